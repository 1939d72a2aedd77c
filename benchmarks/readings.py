"""A use case of meter readings with events of 200 bytes, for the benchmark of streams: small, and nobody's own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from catena.declaration import (
    Between,
    CleanTable,
    Column,
    ColumnType,
    Dataset,
    EventType,
    Feed,
    FileSource,
    Stream,
    Table,
    Unique,
    UseCase,
)
from catena.declared import declared_usecase
from catena.streams.event import Event

FIRST = datetime(2013, 1, 1, tzinfo=UTC)
_EVENT = "meter.read"
_FEED = """
SELECT partition, data ->> 'meter' AS meter, event_time AS read_at, CAST(data ->> 'value' AS DOUBLE) AS reading
FROM events
"""
_CLEAN = "SELECT partition, meter, read_at AS event_time, reading FROM rows"


def usecase(name: str, folder: Path) -> UseCase:
    """Return the use case, its schema and SQL written into a folder."""
    (folder / "events").mkdir(parents=True)
    (folder / "sql").mkdir()
    (folder / "events" / f"{_EVENT}.v1.json").write_text(json.dumps(_schema()), encoding="utf-8")
    (folder / "sql" / "feed.sql").write_text(_FEED, encoding="utf-8")
    (folder / "sql" / "clean.sql").write_text(_CLEAN, encoding="utf-8")
    columns = (_column("meter", "string"), _column("read_at", "timestamp"), _column("reading", "float64"))
    table = Table(
        name="readings", description="Readings.", owner="o", primary_key=("partition", "meter", "event_time"),
        columns=(_column("partition", "string"), _column("meter", "string"), _column("event_time", "timestamp"),
                 _column("reading", "float64")),
    )  # fmt: skip
    dataset = Dataset(
        name="meters", source=FileSource(path="meters/{partition}.csv"), columns=columns,
        rules=(Unique(columns=("meter", "read_at"), severity="quarantine", reason="One reading a meter and time."),
               Between(column="reading", minimum=0, maximum=1e6, severity="quarantine", reason="No such reading.")),
        clean=(CleanTable(table="readings", sql="clean.sql"),),
    )  # fmt: skip
    stream = Stream(
        name="meters", description="Readings.", feeds=(Feed(dataset="meters", sql="feed.sql"),),
        events=(EventType(name=_EVENT, version=1, description="A meter was read."),),
    )  # fmt: skip
    changed = {"name": name, "tables": (table,), "datasets": (dataset,), "streams": (stream,), "folder": folder}
    # What trains and scores stays that of the flights: nothing here asks for it.
    return declared_usecase("flight_delays").model_copy(update=changed)


def events(first: int, count: int, a_day: int) -> Iterator[Event]:
    """Yield readings in the order in which they became known, so many on each day."""
    for number in range(first, first + count):
        day, place = divmod(number, a_day)
        at = FIRST + timedelta(days=day, seconds=place * 86_400 // a_day)
        data = {"partition": f"{at:%Y-%m-%d}", "meter": f"{place % 1000:04d}", "value": number % 1000 / 10}
        yield Event(_EVENT, 1, f"{number:010d}", at + timedelta(microseconds=place), at, f"{place % 1000:04d}", data)


def _column(name: str, type_: ColumnType) -> Column:
    return Column(name=name, type=type_, nullable=False, description=name)


def _schema() -> dict[str, Any]:
    text, time = {"type": "string", "minLength": 1}, {"type": "string", "format": "date-time"}
    data = {"partition": text, "meter": text, "value": {"type": "number"}}
    properties = {
        "type": {"const": _EVENT}, "schema_version": {"const": 1}, "event_id": text, "event_time": time,
        "known_at": time, "key": text,
        "data": {"type": "object", "required": list(data), "additionalProperties": False, "properties": data},
    }  # fmt: skip
    return {"type": "object", "required": list(properties), "additionalProperties": False, "properties": properties}
