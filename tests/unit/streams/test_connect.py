"""Which broker the settings name, and with which credentials."""

from __future__ import annotations

import json
from contextlib import closing

import pytest

from catena.declared import declared_usecase
from catena.settings import Settings
from catena.streams import BrokerNotReady, BrokerUnreachable, LogMisconfigured, open_log
from catena.streams.connect import TOKEN_FILE

WEATHER = declared_usecase("flight_delays").stream("weather")


def test_without_a_broker_the_message_says_what_to_do(tmp_path):
    """Before the first start there is no token: the error says which command makes one."""
    with pytest.raises(BrokerNotReady, match=r"flight_delays\.weather: .*Run `catena up`, or set CATENA_BROKER_URL"):
        open_log(Settings(_env_file=None, home=tmp_path), "flight_delays", WEATHER)


def test_a_server_of_ones_own_is_reached_with_its_credentials(nats_settings, tmp_path):
    """CATENA_BROKER_URL and CATENA_BROKER_CREDENTIALS lead to a NATS server that this installation did not start."""
    file = tmp_path / "broker.json"
    file.write_text(json.dumps({"token": (nats_settings.home / TOKEN_FILE).read_text()}))
    url = f"nats://127.0.0.1:{nats_settings.nats_port}"
    own = Settings(_env_file=None, home=tmp_path, broker_url=url, broker_credentials=file)
    with closing(open_log(own, "elsewhere", WEATHER)) as log:
        assert (log.name, log.end_offset(0)) == ("elsewhere.weather", 1)
    with pytest.raises(BrokerUnreachable, match="Authorization"):
        open_log(Settings(_env_file=None, home=tmp_path, broker_url=url), "elsewhere", WEATHER)


def test_kafka_is_reached_at_its_bootstrap_servers(kafka_double, tmp_path, open_kafka_double):
    """With CATENA_BROKER=kafka the log is a topic, whose number of partitions must be the declared one.

    On the double of a cluster, librdkafka's mock.
    """
    open_kafka_double("flight_delays.weather")
    own = Settings(_env_file=None, home=tmp_path, broker="kafka", broker_url=kafka_double)
    with pytest.raises(LogMisconfigured, match="the topic has 4 partitions, declared are 1"):
        open_log(own, "flight_delays", WEATHER)
    with closing(open_log(own, "flight_delays", WEATHER.model_copy(update={"partitions": 4}))) as log:
        assert log.publish("a", "k", b"1").offset == 0
    with pytest.raises(LogMisconfigured, match="CATENA_BROKER_URL"):
        open_log(Settings(_env_file=None, home=tmp_path, broker="kafka"), "flight_delays", WEATHER)


@pytest.mark.parametrize("content", [None, '{"token": "hush"', '["hush"]'])
def test_bad_credentials_are_told_without_their_content(tmp_path, content):
    """A file that is missing, no JSON or no object is named; what stands in it is not."""
    file = tmp_path / "broker.json"
    if content is not None:
        file.write_text(content)
    own = Settings(_env_file=None, home=tmp_path, broker_url="nats://127.0.0.1:1", broker_credentials=file)
    with pytest.raises(LogMisconfigured, match=r"broker\.json") as found:
        open_log(own, "u", WEATHER)
    assert "hush" not in str(found.value)
    assert found.value.__suppress_context__
