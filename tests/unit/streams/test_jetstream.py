"""What JetStream alone does: duplicates dropped by id, sequences without gaps, a login, a server that comes back."""

from __future__ import annotations

import asyncio
import socket
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from catena.platform import nats
from catena.streams import BrokerUnreachable, LogMisconfigured, Message, OffsetGone, Record, SequenceGap, UnknownLog
from catena.streams.connect import TOKEN_FILE
from catena.streams.jetstream import JetStreamLog
from catena.streams.jetstream_client import JetStreamClient, JetStreamError


def administer(settings, *calls):
    """Call JetStream's own interface, as an administrator would."""

    async def work():
        token = (settings.home / TOKEN_FILE).read_text()
        client = JetStreamClient(f"nats://127.0.0.1:{settings.nats_port}", {"token": token}, "tests")
        await client.connect()
        try:
            return [await client.call(*call) for call in calls]
        finally:
            await client.close()

    return asyncio.run(work())


def test_a_repeated_id_is_stored_once(open_jetstream, fresh_name):
    """A producer that publishes again after a lost acknowledgement leaves no copy, and is told where the first lies."""
    log = open_jetstream(fresh_name)
    first = log.publish("a", "k", b"1")
    again, other = log.publish_many([Message("a", "k", b"1"), Message("b", "k", b"2")])
    assert (first.is_duplicate, again.is_duplicate, other.is_duplicate) == (False, True, False)
    assert again.offset == first.offset
    assert [r.id for r in log.read(0, 1, 10, 1).records] == ["a", "b"]


def test_a_wrong_token_is_refused(nats_settings, fresh_name):
    """Nobody reads or writes without the generated token, also from loopback, and the token is in no message."""
    url = f"nats://127.0.0.1:{nats_settings.nats_port}"
    with pytest.raises(BrokerUnreachable, match="Authorization Violation") as found:
        JetStreamLog(url, fresh_name, 1, timedelta(days=1), {"token": "mistaken"})
    assert "mistaken" not in str(found.value)
    with pytest.raises(BrokerUnreachable):
        JetStreamLog(url, fresh_name, 1, timedelta(days=1))


def test_single_records_cannot_be_deleted(open_jetstream, nats_settings, fresh_name):
    """The stream itself refuses what would make a gap: deleting a message, and purging."""
    open_jetstream(fresh_name).publish("a", "k", b"1")
    stream = f"{fresh_name.replace('.', '-')}-0"
    with pytest.raises(JetStreamError, match="message delete not permitted"):
        administer(nats_settings, (f"STREAM.MSG.DELETE.{stream}", {"seq": 1}))
    with pytest.raises(JetStreamError, match="purge not permitted"):
        administer(nats_settings, (f"STREAM.PURGE.{stream}", {}))


def test_a_gap_is_told_and_not_skipped(open_jetstream, fresh_name, monkeypatch):
    """A record that is missing among those that are kept stops the reader at its offset."""
    log = open_jetstream(fresh_name)
    log.publish_many([Message(str(n), "k", b"") for n in range(5)])

    async def with_a_hole(*_):
        return [Record(0, offset, str(offset), "k", b"", datetime.now(UTC)) for offset in (1, 3)]

    monkeypatch.setattr(JetStreamClient, "fetch", with_a_hole)
    with pytest.raises(SequenceGap) as found:
        log.read(0, 1, 10, 1)
    assert (found.value.offset, found.value.found) == (2, 3)


def test_a_slow_reader_is_told_when_all_that_was_left_is_gone(open_jetstream, fresh_name):
    """Retention that overtakes a reader amid its reading is a gap, also where nothing new has come since."""
    log = open_jetstream(fresh_name, retention=timedelta(seconds=1))
    log.publish_many([Message(str(n), "k", b"") for n in range(10)])
    assert log.read(0, 1, 5, 1).next_offset == 6
    deadline = time.monotonic() + 20
    while log.begin_offset(0) < 11 and time.monotonic() < deadline:
        time.sleep(0.1)
    with pytest.raises(OffsetGone) as found:
        log.read(0, 6, 10, 0.1)
    assert (found.value.offset, found.value.begin) == (6, 11)


def test_fewer_partitions_than_there_are_is_refused(open_jetstream, fresh_name):
    """Records in a partition that nobody declares would never be read."""
    open_jetstream(fresh_name, 3)
    with pytest.raises(LogMisconfigured, match="more than the 2 partitions"):
        open_jetstream(fresh_name, 2)
    assert open_jetstream(fresh_name, 5).end_offset(4) == 1


def test_a_declared_change_of_retention_reaches_the_broker(open_jetstream, nats_settings, fresh_name):
    """Opening a log with another retention changes the stream and keeps its records and incarnation."""
    log = open_jetstream(fresh_name)
    log.publish("a", "k", b"1")
    changed = open_jetstream(fresh_name, retention=timedelta(days=3))
    [info] = administer(nats_settings, (f"STREAM.INFO.{fresh_name.replace('.', '-')}-0", {}))
    assert info["config"]["max_age"] == 3 * 24 * 3600 * 10**9
    assert (changed.end_offset(0), changed.incarnation(0)) == (2, log.incarnation(0))


def test_a_log_that_was_deleted_is_told(open_jetstream, nats_settings, fresh_name):
    """A stream that vanished under its reader is an error; made anew it has another incarnation."""
    log = open_jetstream(fresh_name)
    log.publish("a", "k", b"1")
    old = log.incarnation(0)
    administer(nats_settings, (f"STREAM.DELETE.{fresh_name.replace('.', '-')}-0", {}))
    with pytest.raises(UnknownLog):
        log.read(0, 1, 10, 1)
    assert open_jetstream(fresh_name).incarnation(0) != old


def test_a_reader_that_the_server_forgot_goes_on(open_jetstream, nats_settings, fresh_name):
    """A consumer that the server removed, as it does with idle ones, is made again at the same place."""
    log = open_jetstream(fresh_name)
    log.publish_many([Message(str(n), "k", b"") for n in range(4)])
    assert [r.offset for r in log.read(0, 1, 2, 1).records] == [1, 2]
    stream = f"{fresh_name.replace('.', '-')}-0"
    [listed] = administer(nats_settings, (f"CONSUMER.NAMES.{stream}", {}))
    administer(nats_settings, *[(f"CONSUMER.DELETE.{stream}.{name}", {}) for name in listed["consumers"]])
    assert [r.offset for r in log.read(0, 3, 10, 1).records] == [3, 4]


def test_the_configuration_keeps_the_server_to_itself(nats_settings):
    """The server listens on loopback only, and its token lies in files of mode 0600, not on a command line."""
    file = nats.configuration_file(nats_settings)
    token = (nats_settings.home / TOKEN_FILE).read_text()
    assert f'listen: "127.0.0.1:{nats_settings.nats_port}"' in file.read_text()
    assert {path.stat().st_mode & 0o777 for path in (file, nats_settings.home / TOKEN_FILE)} == {0o600}
    assert token not in " ".join(nats.command(nats_settings))


def test_ready_means_that_our_token_is_accepted(nats_settings, tmp_path):
    """Another program, or another installation's server, on the port is not ours."""
    assert nats.is_ready(nats_settings)
    assert not nats.is_ready(nats_settings.model_copy(update={"home": tmp_path}))
    with closing(socket.create_server(("127.0.0.1", 0))) as mute:
        port = mute.getsockname()[1]
    assert not nats.is_ready(nats_settings.model_copy(update={"nats_port": port}))


@pytest.mark.parametrize(("is_always", "text"), [(False, 'sync_interval: "30s"'), (True, "sync_interval: always")])
def test_syncing_each_event_is_a_choice(nats_settings, tmp_path, is_always, text):
    """CATENA_NATS_SYNC_ALWAYS decides whether an acknowledged event survives a loss of power at once."""
    settings = nats_settings.model_copy(update={"home": tmp_path, "nats_sync_always": is_always})
    nats.prepare(settings)
    assert text in nats.configuration_file(settings).read_text()
