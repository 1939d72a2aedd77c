"""Messages that name their schema in a registry: over HTTP against a double of a registry, and a double of Kafka."""

from __future__ import annotations

import json
import logging
import socket
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from catena.chain.streaming.landing import Limits, land_stream
from catena.declaration import EventType, Stream
from catena.declared import declared_usecase
from catena.run import Run
from catena.settings import Settings
from catena.streams import (
    Codec,
    Event,
    LogMisconfigured,
    Record,
    RegistryRefused,
    RegistryUnreachable,
    SchemaIncompatible,
    open_codec,
)
from catena.streams.kafka import KafkaLog
from catena.streams.replay import Faults, replay_history
from catena.workspace import Workspace
from usecases.flight_delays.history import history

USECASE = declared_usecase("flight_delays")
AT = datetime(2013, 1, 1, 7, tzinfo=UTC)
EVENT = Event("thing.seen", 1, "e1", AT, AT, "k", {"a": 1})
SUBJECT = "flight_delays.things-thing.seen"


def settings_of(double, **fields) -> Settings:
    return Settings(_env_file=None, broker="kafka", schema_registry_url=double.url, **fields)


def things(folder, **required: list[str]):
    """Return a use case whose stream `things` has `thing.seen` in versions `v1`, `v2` that require these fields."""
    (folder / "events").mkdir(exist_ok=True)
    for version, names in required.items():
        data = {"type": "object", "required": names, "properties": {name: {"type": "integer"} for name in "ab"}}
        schema = {"title": "thing.seen", "type": "object", "properties": {"data": data}}
        (folder / "events" / f"thing.seen.{version}.json").write_text(json.dumps(schema))
    types = tuple(EventType(name="thing.seen", version=int(v[1:]), description="d") for v in required)
    stream = Stream(name="things", description="d", events=types)
    return USECASE.model_copy(update={"folder": folder, "streams": (stream,)}), stream


def record(value: bytes, offset: int = 7) -> Record:
    return Record(0, offset, "id", "key", value, AT)


def test_on_the_double_a_message_is_a_frame_around_the_same_json(registry_double, tmp_path):
    """A zero byte, the id as four bytes, big end first, and the very bytes that are published without a registry."""
    usecase, stream = things(tmp_path, v1=["a"])
    codec, plain = open_codec(settings_of(registry_double), usecase, stream), Codec(stream, tmp_path)
    # 101 is the first id that the double gives.
    assert codec.encode(EVENT) == b"\x00\x00\x00\x00\x65" + plain.encode(EVENT)
    assert registry_double.subjects == {SUBJECT: [101]}
    assert json.loads(registry_double.schemas[101]["schema"])["title"] == "thing.seen"
    [(_, found)] = codec.decode([record(codec.encode(EVENT))]).events
    assert found == EVENT


def test_on_the_double_writers_register_once_and_readers_never(registry_double, tmp_path):
    """Each process asks for each schema once; what is registered is looked up; reading asks for the id alone."""
    usecase, stream = things(tmp_path, v1=["a"])
    values = [open_codec(settings_of(registry_double), usecase, stream).encode(EVENT) for _ in range(2)]
    assert registry_double.asked == [
        f"POST /subjects/{SUBJECT}",
        f"POST /compatibility/subjects/{SUBJECT}/versions/latest",
        f"POST /subjects/{SUBJECT}/versions",
        f"POST /subjects/{SUBJECT}",
    ]
    registry_double.asked.clear()
    reader = open_codec(settings_of(registry_double), usecase, stream)
    for _ in range(3):
        assert len(reader.decode([record(value) for value in values]).events) == 2
    assert registry_double.asked == ["GET /schemas/ids/101"]


def test_on_the_double_what_leads_to_no_schema_is_a_dead_letter(registry_double, tmp_path):
    """Unknown ids, those of another kind of schema and short frames are kept whole, with rule and offset."""
    usecase, stream = things(tmp_path, v1=["a"])
    codec = open_codec(settings_of(registry_double), usecase, stream)
    good, plain = codec.encode(EVENT), Codec(stream, tmp_path).encode(EVENT)
    avro = registry_double.put("elsewhere-value", '"string"', "AVRO")
    values = [
        good, b"\x00\x00\x01\x00\x02" + plain, b"\x00\x00\x01\x00\x02" + plain,
        b"\x00" + avro.to_bytes(4, "big") + plain, b"\x00\x00\x00", b"\x00\x00\x00\x00\x65", plain,
        b"\x00\x00\x00\x00\x65" + plain.replace(b'{"a":1}', b'{"b":1}'),
    ]  # fmt: skip
    found = codec.decode([record(value, 10 + n) for n, value in enumerate(values)])
    # Plain JSON is older than the registry, and read as before.
    assert [each.offset for each, _ in found.events] == [10, 16]
    assert [(letter.offset, letter.rule, letter.raw) for letter in found.dead_letters] == [
        (11, "unknown_schema_id", values[1]), (12, "unknown_schema_id", values[2]),
        (13, "unknown_schema_id", values[3]), (14, "frame", values[4]), (15, "unparseable", values[5]),
        # A schema that the registry knows does not replace the declared one.
        (17, "schema", values[7]),
    ]  # fmt: skip
    reasons = [letter.reason for letter in found.dead_letters]
    assert reasons[0] == "the schema registry knows no schema 65538"
    assert "of kind AVRO, not JSON" in reasons[2]
    # Also of an id that nobody knows, and that many messages carry.
    assert registry_double.asked.count("GET /schemas/ids/65538") == 1


@pytest.mark.parametrize(
    ("failing", "error"),
    [
        ((503, '{"error_code": 50003, "message": "no leader"}'), RegistryUnreachable),
        ((429, "slow down"), RegistryUnreachable),
        ((404, "<html>nothing here</html>"), RegistryRefused),
        ((404, '{"error_code": 404, "message": "HTTP 404 Not Found"}'), RegistryRefused),
        ((403, '{"error_code": 403, "message": "forbidden"}'), RegistryRefused),
        ((302, ""), RegistryRefused),
        ((200, "<html>login</html>"), RegistryRefused),
        ((200, "[]"), RegistryRefused),
    ],
)
def test_on_the_double_an_answer_that_says_nothing_of_the_record_is_an_error(registry_double, tmp_path, failing, error):
    """Only the registry's own word that an id is unknown makes a dead letter: else the record may be good."""
    usecase, stream = things(tmp_path, v1=["a"])
    value = open_codec(settings_of(registry_double), usecase, stream).encode(EVENT)
    registry_double.failing = failing
    reader = open_codec(settings_of(registry_double), usecase, stream)
    with pytest.raises(error, match=rf"flight_delays\.things: the schema registry at {registry_double.url}"):
        reader.decode([record(value)])
    with pytest.raises(error):
        open_codec(settings_of(registry_double), usecase, stream).encode(EVENT)
    # Nothing of the failure is kept.
    registry_double.failing = None
    assert len(reader.decode([record(value)]).events) == 1


def test_a_registry_that_is_gone_is_an_error_and_no_dead_letter(tmp_path):
    """Nobody listens: reading and writing say where, and which settings to check."""
    usecase, stream = things(tmp_path, v1=["a"])
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{probe.getsockname()[1]}"
    codec = open_codec(Settings(_env_file=None, broker="kafka", schema_registry_url=url), usecase, stream)
    for call in (lambda: codec.encode(EVENT), lambda: codec.decode([record(b"\x00\x00\x00\x00\x01{}")])):
        with pytest.raises(RegistryUnreachable, match=rf"{url} does not answer: .*CATENA_SCHEMA_REGISTRY_URL"):
            call()


def test_on_the_double_a_new_version_must_be_compatible(registry_double, tmp_path):
    """A refused version is named with subject and reason before anything is written; a compatible one gets its id."""
    usecase, stream = things(tmp_path, v1=["a"], v2=["a", "b"])
    codec = open_codec(settings_of(registry_double), usecase, stream)
    with pytest.raises(SchemaIncompatible, match=rf"version 2 of subject {SUBJECT}: 'data' requires 'b'") as caught:
        codec.encode(EVENT)
    assert (caught.value.subject, caught.value.version) == (SUBJECT, 2)
    assert registry_double.subjects == {SUBJECT: [101]}
    assert f"POST /subjects/{SUBJECT}/versions" not in registry_double.asked[-1]
    usecase, stream = things(tmp_path, v1=["a"], v2=[])
    codec = open_codec(settings_of(registry_double), usecase, stream)
    # The newer version first: the older one is registered before it all the same.
    assert codec.encode(replace(EVENT, schema_version=2))[:5] == b"\x00\x00\x00\x00\x66"
    assert codec.encode(EVENT)[:5] == b"\x00\x00\x00\x00\x65"


def test_on_the_double_a_refusal_at_registration_is_the_same_error(registry_double, tmp_path, monkeypatch):
    """A registry whose rule looks further back than the check says so when the schema is registered."""
    usecase, stream = things(tmp_path, v1=["a"], v2=["a", "b"])
    answer = registry_double.answer

    def agreeable(method, path, body):
        return (200, {"is_compatible": True}) if path.startswith("/compatibility") else answer(method, path, body)

    monkeypatch.setattr(registry_double, "answer", agreeable)
    with pytest.raises(SchemaIncompatible, match=rf"version 2 of subject {SUBJECT}: incompatible with an earlier"):
        open_codec(settings_of(registry_double), usecase, stream).encode(EVENT)


@pytest.mark.parametrize("way", ["user", "token"])
def test_on_the_double_secrets_come_from_their_file_and_are_never_said(registry_double, tmp_path, caplog, way):
    """User and password, or a token, reach the registry, and stand in no log and no error."""
    caplog.set_level(logging.DEBUG)
    usecase, stream = things(tmp_path, v1=["a"])
    file = tmp_path / "registry.json"
    if way == "user":
        registry_double.require_user("ana", "s3:cret")
        file.write_text('{"basic.auth.user.info": "ana:s3:cret"}')
    else:
        registry_double.authorization = "Bearer s3:cret"
        file.write_text('{"bearer.auth.token": "s3:cret"}')
    own = settings_of(registry_double, schema_registry_credentials=file)
    assert open_codec(own, usecase, stream).encode(EVENT)[:1] == b"\x00"
    with pytest.raises(RegistryRefused, match=r"answers 401: Unauthorized\..*CATENA_SCHEMA_REGISTRY_CREDENTIALS"):
        open_codec(settings_of(registry_double), usecase, stream).encode(EVENT)
    registry_double.authorization = "Bearer other"
    with pytest.raises(RegistryRefused) as caught:
        open_codec(own, usecase, stream).encode(EVENT)
    assert "s3:cret" not in f"{caught.value} {caplog.text} {own!r}"


@pytest.mark.parametrize(
    ("fields", "content", "said"),
    [
        ({"broker": "nats"}, None, "a schema registry is for Kafka, the broker is nats"),
        ({"schema_registry_url": "http://ana:s3cret@host:8081"}, None, "holds a user or a password"),
        ({"schema_registry_url": "host:8081"}, None, "is no address of a schema registry"),
        ({}, '["s3cret"]', "registry.json cannot be read .TypeError.*CATENA_SCHEMA_REGISTRY_CREDENTIALS names"),
        ({}, '{"user": "s3cret"}', r"has no options \['user'\].*basic.auth.user.info"),
        ({"schema_registry_url": "https://host"}, '{"ssl.ca.location": "/nowhere.pem"}', "FileNotFoundError"),
    ],
)
def test_settings_that_cannot_be_used_are_told_without_secrets(tmp_path, fields, content, said):
    """Each wrong setting is an error before anything is sent, and repeats no secret."""
    usecase, stream = things(tmp_path, v1=["a"])
    file = tmp_path / "registry.json"
    if content is not None:
        file.write_text(content)
        fields = {**fields, "schema_registry_credentials": file}
    given = {"broker": "kafka", "schema_registry_url": "http://host:8081", **fields}
    with pytest.raises(LogMisconfigured, match=said) as caught:
        open_codec(Settings(_env_file=None, **given), usecase, stream)
    assert "s3cret" not in str(caught.value)


def test_without_the_setting_nothing_changes(tmp_path):
    """Messages are plain JSON, with Kafka too, and a frame is no event."""
    usecase, stream = things(tmp_path, v1=["a"])
    codec = open_codec(Settings(_env_file=None, broker="kafka"), usecase, stream)
    assert codec.encode(EVENT) == Codec(stream, tmp_path).encode(EVENT)
    assert codec.encode(EVENT).startswith(b'{"type":"thing.seen"')
    [dead] = codec.decode([record(b"\x00\x00\x00\x00\x65" + codec.encode(EVENT))]).dead_letters
    assert dead.rule == "unparseable"


def test_on_both_doubles_from_history_to_the_table(
    registry_double, workspace, kafka_double, open_kafka_double, monkeypatch
):
    """History is published in frames and lands as the same events; a frame of nobody is a dead letter at its offset.

    On doubles of Kafka, which has no ids of topics, and of a schema registry.
    """
    monkeypatch.setattr(KafkaLog, "incarnation", lambda self, partition: "double")
    streams = tuple(stream.model_copy(update={"partitions": 4}) for stream in USECASE.streams)
    usecase = USECASE.model_copy(update={"name": "registry_trial", "streams": streams})
    logs = {stream.name: open_kafka_double(f"registry_trial.{stream.name}", 4) for stream in streams}
    fields = {"broker_url": kafka_double, "broker": "kafka", "schema_registry_url": registry_double.url}
    reader = Workspace(workspace.settings.model_copy(update=fields))
    lake, run = reader.lake(usecase), Run("registry_trial", "stream", "run-1", code_version="0.1.0+test")
    day = ("2013-01-01", "2013-01-01")
    replay_history(reader.settings, usecase, day, speed=0, faults=Faults())
    stray = logs["weather"].publish("x", "stray", b"\x00\x00\x0f\x42\x40{}")
    flights, weather = (land_stream(reader, usecase, stream, run, Limits()) for stream in streams)
    told = [row for name in logs for row in lake.read(f"events_{name}").to_pylist() if row["standing"] != "dead"]
    assert {row["event_id"] for row in told} == {event.event_id for event in history(*day)}
    # 842 + 838 + 831 + 4 + 7 and 67, counted in the files.
    assert (flights.records, flights.dead, weather.records, weather.dead) == (2522, 0, 67 + 1, 1)
    [dead] = [row for row in lake.read("events_weather").to_pylist() if row["standing"] == "dead"]
    assert (dead["log_partition"], dead["log_offset"]) == (stray.partition, stray.offset)
    assert (dead["fault"], dead["raw"]) == ("unknown_schema_id", "\\x00\\x00\x0fB@{}")
    assert sorted(registry_double.subjects) == [
        *(f"registry_trial.flights-flight.{name}" for name in ("arrived", "cancelled", "departed", "diverted")),
        "registry_trial.flights-flight.scheduled", "registry_trial.weather-weather.observed",
    ]  # fmt: skip
    # The registry is gone: the record waits at the broker, and the table stays as it is.
    before = lake.version("events_weather")
    logs["weather"].publish("y", "stray", b"\x00\x00\x00\x00\x65{}")
    registry_double.failing = (503, "")
    with pytest.raises(RegistryUnreachable):
        land_stream(reader, usecase, streams[1], run, Limits())
    assert lake.version("events_weather") == before
    registry_double.failing = None
    assert land_stream(reader, usecase, streams[1], run, Limits()).records == 1
    reader.engine.dispose()
