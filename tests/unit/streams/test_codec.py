"""Events are written strictly and read without ever raising."""

from __future__ import annotations

import json
import math
import re
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catena.declaration import EventType, Stream
from catena.declared import declared_usecase
from catena.streams import Codec, Event, InvalidEvent, Record

USECASE = declared_usecase("flight_delays")
FLIGHTS = Codec(USECASE.stream("flights"), USECASE.folder)
AT = datetime(2013, 1, 1, 10, 17, tzinfo=UTC)
# As a producer in another language would write it.
DEPARTED = {
    "type": "flight.departed", "schema_version": 1, "event_id": "flight.departed/2013-01-01-UA-1545-EWR",
    "event_time": "2013-01-01T10:17:00Z", "known_at": "2013-01-01T10:17:00Z", "key": "2013-01-01-UA-1545-EWR",
    "data": {
        "flight_id": "2013-01-01-UA-1545-EWR", "partition": "2013-01-01", "carrier": "UA", "flight_number": 1545,
        "tailnum": "N14228", "origin": "EWR", "dest": "IAH", "scheduled_departure_at": "2013-01-01T10:15:00Z",
        "departed_at": "2013-01-01T10:17:00Z", "departure_delay_min": 2,
    },
}  # fmt: skip
EVENT = Event("flight.departed", 1, DEPARTED["event_id"], AT, AT, DEPARTED["key"], DEPARTED["data"])


def record(value: bytes, offset: int = 7) -> Record:
    return Record(0, offset, "id", "key", value, AT)


def changed(**fields) -> bytes:
    return json.dumps({**DEPARTED, **fields}).encode()


def test_an_event_of_another_producer_is_read():
    """What the schema describes is enough to be read, however its JSON is laid out."""
    [(_, found)] = FLIGHTS.decode([record(json.dumps(DEPARTED, indent=3).encode())]).events
    assert found == EVENT


def test_what_is_written_is_read_back():
    """Writing and reading are inverse; times of other zones become UTC; other letters survive."""
    elsewhere = datetime(2013, 1, 1, 5, 17, 0, 123456, tzinfo=timezone(timedelta(hours=-5)))
    data = {**DEPARTED["data"], "carrier": "Ü✈", "tailnum": None}
    event = Event("flight.departed", 1, "e", elsewhere, elsewhere, "k", data)
    [(_, found)] = FLIGHTS.decode([record(FLIGHTS.encode(event))]).events
    assert found == event
    assert found.known_at.tzinfo is UTC
    assert json.loads(FLIGHTS.encode(event))["known_at"] == "2013-01-01T10:17:00.123456Z"


@pytest.mark.parametrize(
    ("raw", "rule", "reason"),
    [
        (b"", "unparseable", "Expecting value"),
        (b"\xff\xfe{}", "unparseable", "UnicodeDecodeError"),
        (changed()[:100], "unparseable", "JSONDecodeError"),
        (b"[" * 100_000, "unparseable", ""),
        (b"1" * 10_000, "unparseable", "ValueError"),
        (changed(data={"distance": float("nan")}), "unparseable", "NaN is no JSON"),
        (changed(key="\ud800"), "unparseable", "surrogates not allowed"),
        (b"17", "no_event", "int"),
        (b"null", "no_event", "NoneType"),
        (changed(type="weather.observed"), "unknown_type", "stream flights declares no event 'weather.observed'"),
        (changed(type=["flight.departed"]), "unknown_type", "declares no event"),
        (changed(type=None), "unknown_type", "declares no event None"),
        (changed(schema_version=2), "unknown_version", r"has no version 2; declared are \[1\]"),
        (changed(schema_version=True), "unknown_version", "has no version True"),
        (changed(schema_version="1"), "unknown_version", "has no version '1'"),
        (changed(event_id=""), "schema", "event_id: "),
        (changed(known_at="0000-01-01T00:00:00Z"), "schema", "a time cannot be kept"),
        (changed(known_at="yesterday"), "schema", "known_at: "),
        (changed(known_at="2013-01-01T10:17:00-05:00"), "schema", "known_at: "),
        (changed(known_at="2013-06-30T23:59:60Z"), "schema", "a time cannot be kept"),
        (changed(data={**DEPARTED["data"], "departure_delay_min": "2"}), "schema", "data/departure_delay_min: "),
        (changed(data={**DEPARTED["data"], "gate": "A1"}), "schema", "data: .*gate"),
        (changed(surprise=1), "schema", "the event: .*surprise"),
        (json.dumps({**DEPARTED, "data": {}}).encode(), "schema", "data: .*required"),
    ],
)  # fmt: skip
def test_what_is_no_event_becomes_a_dead_letter(raw, rule, reason):
    """Each kind of bad bytes is kept untouched with its place, a rule and a reason, and spoils no neighbour."""
    good = changed()
    found = FLIGHTS.decode([record(good, 6), record(raw, 7), record(good, 8)])
    assert [r.offset for r, _ in found.events] == [6, 8]
    [dead] = found.dead_letters
    assert (dead.partition, dead.offset, dead.rule, dead.raw) == (0, 7, rule, raw)
    assert re.search(reason, dead.reason), dead.reason
    assert len(dead.reason) <= 300


@given(st.lists(st.binary(max_size=60) | st.sampled_from([changed()[:n] for n in range(0, 300, 7)]), max_size=8))
def test_reading_never_raises_and_loses_nothing(values):
    """Whatever bytes lie in a log, each record is one event or one dead letter."""
    found = FLIGHTS.decode([record(value, offset) for offset, value in enumerate(values)])
    offsets = [r.offset for r, _ in found.events] + [dead.offset for dead in found.dead_letters]
    assert sorted(offsets) == list(range(len(values)))


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
        max_leaves=6,
    ),
    st.sampled_from(sorted(DEPARTED)),
)
def test_any_json_in_any_field_is_judged(value, field):
    """A field of any type and value makes an event or a dead letter, never an exception."""
    found = FLIGHTS.decode([record(json.dumps({**DEPARTED, field: value}).encode())])
    assert len(found.events) + len(found.dead_letters) == 1


def test_a_producer_cannot_write_what_breaks_its_schema():
    """Writing refuses a wrong value, a number that JSON lacks, and an event of another stream."""
    for event, reason in (
        (Event("flight.departed", 1, "e", AT, AT, "k", {**DEPARTED["data"], "origin": "Newark"}), "data/origin"),
        (Event("flight.departed", 9, "e", AT, AT, "k", DEPARTED["data"]), "unknown_version"),
        (Event("weather.observed", 1, "e", AT, AT, "k", {}), "unknown_type"),
    ):
        with pytest.raises(InvalidEvent, match=reason):
            FLIGHTS.encode(event)


def test_versions_live_beside_each_other(tmp_path: Path):
    """A new version is read beside the old one, each by its own schema."""
    (tmp_path / "events").mkdir()
    for version, required in ((1, "a"), (2, "b")):
        schema = {"properties": {"data": {"required": [required]}}}
        (tmp_path / "events" / f"thing.seen.v{version}.json").write_text(json.dumps(schema))
    types = tuple(EventType(name="thing.seen", version=version, description="d") for version in (1, 2))
    codec = Codec(Stream(name="things", description="d", events=types), tmp_path)
    rows = [
        changed(type="thing.seen", schema_version=v, data=d) for v, d in ((1, {"a": 1}), (2, {"b": 1}), (2, {"a": 1}))
    ]
    found = codec.decode([record(row, offset) for offset, row in enumerate(rows)])
    assert [(event.schema_version, r.offset) for r, event in found.events] == [(1, 0), (2, 1)]
    assert [dead.rule for dead in found.dead_letters] == ["schema"]


def test_the_checked_in_schemas_are_schemas():
    """Each declared event has a file that the metaschema allows, closed to unknown fields, and no file lies idle."""
    declared = {event.schema_file: event for stream in USECASE.streams for event in stream.events}
    assert {file.name for file in (USECASE.folder / "events").iterdir()} == set(declared)
    assert len(declared) == 6
    for name, event in declared.items():
        schema = json.loads((USECASE.folder / "events" / name).read_text())
        jsonschema.Draft202012Validator.check_schema(schema)
        # By its title Confluent's serializers find the subject of a schema.
        assert (schema["title"], schema["properties"]["type"]) == (event.name, {"const": event.name})
        assert schema["properties"]["schema_version"] == {"const": event.version}
        assert {"event_id", "event_time", "known_at", "key"} < set(schema["required"])
        assert (schema["additionalProperties"], schema["properties"]["data"]["additionalProperties"]) == (False, False)


def test_another_validator_agrees():
    """An independent implementation of JSON Schema judges the same documents alike."""
    schema = json.loads((USECASE.folder / "events" / "flight.departed.v1.json").read_text())
    reference = jsonschema.Draft202012Validator(schema)
    for value in (changed(), changed(event_id=""), changed(data={}), changed(surprise=1), changed(key=5)):
        assert reference.is_valid(json.loads(value)) == bool(FLIGHTS.decode([record(value)]).events)


# An event around any JSON: fields that come later win, so that nothing within the hole changes the others.
BEFORE, AFTER = (
    b'{"data":',
    b',"type":"a.b","schema_version":1,"event_id":"e","key":"k","event_time":"%s","known_at":"%s"}',
)
NOON = b"2013-01-01T12:00:00Z"
FRAGMENTS = [
    *b'{ } [ ] , : " \\ - + . 0 1 9 e E NaN Infinity -Infinity null true false nul "a" "a": 01 1. .5 -0 -0.0'.split(),
    b" ", b"\n", b"\x0b", b"\x00", b"\x7f", b"\xff", b"\xed\xa0\x80", b"\xc0\x80", b"\xef\xbb\xbf",
    b"\\ud800", b"\\udc00", b"\\ud83d\\ude00", b"\\u0000", b"\\u 12", b"\\u+123", b"\\x41", b"\\/",
    b"1e999", b"-1e999", b"1e-999", b"9007199254740993", b"9223372036854775808", b"1.7976931348623159e308",
    b"2.2250738585072011e-308", b"4.9e-324", b"1" * 4300, b"1" * 4301,
]  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)
ANY_BYTES = st.one_of(
    st.binary(max_size=30),
    st.lists(st.sampled_from(FRAGMENTS), max_size=8).map(b"".join),
    st.lists(st.sampled_from(FRAGMENTS), max_size=4).map(lambda parts: b'"' + b"".join(parts) + b'"'),
    JSON.map(lambda value: json.dumps(value).encode()),
    JSON.map(lambda value: json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")),
    st.sampled_from([199, 200, 201, 500, 100_000]).map(lambda depth: b"[" * depth + b"]" * depth),
)


@pytest.fixture(scope="module")
def open_codec(tmp_path_factory) -> Codec:
    """A codec whose only schema allows everything."""
    folder = tmp_path_factory.mktemp("open")
    (folder / "events").mkdir()
    (folder / "events" / "a.b.v1.json").write_text("{}")
    return Codec(Stream(name="s", description="d", events=(EventType(name="a.b", version=1, description="d"),)), folder)


def refuse(constant: str):
    raise ValueError(f"{constant} is no JSON")


def finite(text: str) -> float:
    if math.isinf(float(text)):
        raise ValueError(f"{text[:40]} is beyond the range of numbers")
    return float(text)


def read_strictly(value: bytes):
    """Return what the standard library reads, or why it does not: the rules that readers of dead letters know."""
    try:
        document = json.JSONDecoder(parse_constant=refuse, parse_float=finite).decode(value.decode("utf-8"))
        json.dumps(document, ensure_ascii=False).encode("utf-8")
    except RecursionError:
        return None, "it is nested too deeply"
    except ValueError as error:
        return None, f"{type(error).__name__}: {error}"[:300]
    return document, None


@settings(max_examples=150, deadline=None)
@given(raw=ANY_BYTES)
def test_any_bytes_are_read_as_the_standard_library_reads_them(open_codec, raw):
    """Values, their types, duplicate keys and the reason of each dead letter are those of the strict reader."""
    value = BEFORE + raw + AFTER % (NOON, NOON)
    found = open_codec.decode([record(value), record(raw)])
    document, reason = read_strictly(value)
    if reason is None:
        # Of numbers the text is compared: 1 is no 1.0, and 0.0 no -0.0.
        assert repr(found.events[0][1].data) == repr(document["data"])
    else:
        assert (found.dead_letters[0].rule, found.dead_letters[0].reason) == ("unparseable", reason)
    bare, reason = read_strictly(raw)
    rule = "unparseable" if reason else "unknown_type" if isinstance(bare, dict) else "no_event"
    assert found.dead_letters[-1].rule == rule
    assert found.dead_letters[-1].reason == (reason or found.dead_letters[-1].reason)


@pytest.mark.parametrize("at", [b"0001-01-01T00:00:00+01:00", b"9999-12-31T23:59:59-01:00"])
def test_a_time_beyond_the_calendar_is_a_dead_letter(open_codec, at):
    """An instant that in UTC lies before the year 1 or after 9999 is kept as a dead letter, and stops no drain."""
    for times in ((at, NOON), (NOON, at)):
        [dead] = open_codec.decode([record(BEFORE + b"{}" + AFTER % times)]).dead_letters
        assert (dead.rule, "a time cannot be kept" in dead.reason) == ("schema", True)
