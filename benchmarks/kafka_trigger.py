"""The peer: Airflow's own triggers on Kafka, which carry each message into an asset event.

The broker is a double, librdkafka's mock cluster in this process: its wire protocol, in memory. An Airflow of its own
runs in an environment of its own, with the project's versions and the providers named below, on the options that
`catena up` sets. All messages are published at once; one has arrived when its asset event belongs to a DAG run.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from confluent_kafka import Producer
from sqlalchemy import Engine, create_engine, text

from benchmarks.installation import free_ports
from benchmarks.machine import ROOT, table, write
from catena.database import database_url
from catena.platform import airflow, installation, postgres, processes
from catena.platform.api import AirflowApi
from catena.platform.processes import Component
from catena.settings import Settings

PROVIDERS = ("apache-airflow-providers-apache-kafka==2.1.0", "apache-airflow-providers-common-messaging==2.1.2")
OTHERS = ("apache-airflow", "apache-airflow-providers-postgres", "apache-airflow-providers-standard")
# Fewer, to see whether it works: CATENA_BENCH_MESSAGES=10.
MESSAGES = "CATENA_BENCH_MESSAGES"
# What has not moved for so long has stopped.
_STILL_S, _MOST_S = 60.0, 900.0
_DAGS = '''
from __future__ import annotations

from datetime import datetime, timezone

from airflow.providers.apache.kafka.triggers.shared_stream import KafkaSharedStreamTrigger
from airflow.providers.common.messaging.triggers.msg_queue import MessageQueueTrigger
from airflow.sdk import DAG, Asset, AssetWatcher, task

TRIGGERS = {
    "message_queue": MessageQueueTrigger(
        scheme="kafka", topics=["message_queue"], kafka_config_id="message_queue", poll_timeout=1, poll_interval=5
    ),
    "shared_stream": KafkaSharedStreamTrigger(topics=["shared_stream"], kafka_config_id="shared_stream"),
}
for name, trigger in TRIGGERS.items():
    asset = Asset(name=name, uri=f"peer://{name}", watchers=[AssetWatcher(name=name, trigger=trigger)])
    with DAG(name, schedule=[asset], start_date=datetime(2026, 1, 1, tzinfo=timezone.utc), catchup=False,
             is_paused_upon_creation=False, max_active_runs=16):

        @task
        def take() -> None:
            """Do nothing with the message."""

        take()
'''
_EVENTS = text("""
    SELECT e.id, e.extra, e.timestamp, l.dag_run_id, r.queued_at
    FROM asset_event e JOIN asset a ON a.id = e.asset_id
    LEFT JOIN dagrun_asset_event l ON l.event_id = e.id LEFT JOIN dag_run r ON r.id = l.dag_run_id
    WHERE a.name = :name
""")


@dataclass(frozen=True)
class Arrived:
    """What became of the messages of one trigger."""

    sent: int
    arrived: int
    events: int
    copies: int
    runs: int
    seconds: float


def measure() -> None:
    """Measure both triggers, and write the table."""
    usual = {"message_queue": "60", "shared_stream": "1000"}
    counts = {name: int(os.environ.get(MESSAGES, count)) for name, count in usual.items()}
    with ExitStack() as opened:
        # Not below a closed folder: as root the server is another user.
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="catena-peer-")))
        folder.chmod(0o755)
        python = _environment(folder)
        owner = opened.enter_context(Producer({"bootstrap.servers": "x", "test.mock.num.brokers": 1, "log_level": 2}))
        [broker] = owner.list_topics(timeout=10).brokers.values()
        address = f"{broker.host}:{broker.port}"
        for name in counts:
            # Asking for a topic as a producer makes it.
            owner.list_topics(name, timeout=10)
        own = opened.enter_context(_airflow(folder, python, address))
        engine = create_engine(database_url(own, "airflow"))
        opened.callback(engine.dispose)
        found = {name: _carried(engine, owner, name, count) for name, count in counts.items()}
    body = "\n\n".join((_rows(found), " ".join("\n".join((__doc__ or "").split("\n\n")[1:]).split()),
                        f"Providers: {', '.join(PROVIDERS)}."))  # fmt: skip
    print(body)
    print(write("kafka_trigger", "Airflow's own Kafka triggers, on a double of Kafka", body))


def _environment(folder: Path) -> Path:
    """Install Airflow with the providers, at the project's versions; return its interpreter."""
    uv = str(Path(sys.executable).with_name("uv"))
    pins = re.findall(r"^[\w.-]+==[^\s;\\]+[^\\\n]*", (ROOT / "requirements" / "dev.lock").read_text(), re.MULTILINE)
    constraints = folder / "constraints.txt"
    constraints.write_text("\n".join(pins), encoding="utf-8")
    environment = folder / "venv"
    subprocess.check_call([uv, "venv", "-q", "--python", sys.executable, str(environment)])
    python = environment / "bin" / "python"
    subprocess.check_call([uv, "pip", "install", "-q", "--compile-bytecode", "--python", str(python),
                           "-c", str(constraints), *OTHERS, *PROVIDERS, "asyncpg", "psycopg2-binary"])  # fmt: skip
    return python


@contextmanager
def _airflow(folder: Path, python: Path, broker: str) -> Iterator[Settings]:
    """Run an Airflow on a PostgreSQL of its own, with the two DAGs."""
    home, dags, plugins = (folder / name for name in ("home", "dags", "plugins"))
    for made in (home, dags, plugins):
        made.mkdir()
    (dags / "peer.py").write_text(_DAGS, encoding="utf-8")
    api, database, worker, triggerer = free_ports(4)
    own = Settings(
        _env_file=None, home=home, dags_folder=dags, plugins_folder=plugins, api_port=api, postgres_port=database,
        worker_log_port=worker, triggerer_log_port=triggerer,
    )  # fmt: skip
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("CATENA_", "PYTHON"))}
    try:
        installation.start_postgres(own)
        postgres.create_databases(own)
        airflow.prepare(own)
        # The preload is of the project, which is not installed there.
        shutil.rmtree(airflow.airflow_home(own) / "config")
        environment = airflow.environment(own, (), inherited) | _connections(broker)
        log = home / "migrate.log"
        with log.open("wb") as output:
            command = [str(python), "-m", "airflow", "db", "migrate"]
            subprocess.run(command, env=environment, stdout=output, stderr=output, check=True)
        for component in installation.airflow_components(own, environment):
            command = [str(python), *component.command[1:]]
            processes.start(own, Component(component.name, command, environment))
        _wait_for_dags(own)
        yield own
    finally:
        processes.stop(own, ["scheduler", "dag-processor", "triggerer", "api-server"])
        processes.stop(own, ["postgres"])
        processes.kill(processes.orphans(own))


def _connections(broker: str) -> dict[str, str]:
    def connection(name: str) -> str:
        # Where a consumer left, the double lets the next one in after the session's time: 45 s, unless it is shorter.
        extra = {"bootstrap.servers": broker, "session.timeout.ms": 6000, "group.id": name,
                 "enable.auto.commit": "false", "auto.offset.reset": "earliest"}  # fmt: skip
        return json.dumps({"conn_type": "kafka", "extra": extra})

    return {f"AIRFLOW_CONN_{name.upper()}": connection(name) for name in ("message_queue", "shared_stream")}


def _wait_for_dags(own: Settings) -> None:
    deadline = time.monotonic() + own.start_seconds
    parts = set(installation.AIRFLOW_PARTS.values())
    while not parts <= installation.healthy_parts(own):
        if time.monotonic() > deadline:
            raise RuntimeError(f"the peer's Airflow is not healthy; logs: {own.home / 'logs'}")
        time.sleep(0.5)
    with AirflowApi(own) as api:
        while not {"message_queue", "shared_stream"} <= api.dag_ids():
            if time.monotonic() > deadline:
                raise RuntimeError(f"the peer's DAGs were not parsed: {api.import_errors()}")
            time.sleep(0.5)


def _carried(engine: Engine, owner: Producer, name: str, count: int) -> Arrived:
    """Publish messages of about 200 bytes, and wait until all are in runs or nothing moves any more."""
    begun = time.time()
    for number in range(count):
        owner.produce(name, json.dumps({"number": number, "filling": "x" * 170}), str(number % 7))
    owner.flush(30)
    seen, still = None, time.monotonic()
    deadline = still + _MOST_S
    while True:
        with engine.connect() as connection:
            rows = connection.execute(_EVENTS, {"name": name}).all()
        if len(rows) != seen:
            seen, still = len(rows), time.monotonic()
        numbers = Counter(json.loads(_payload(row.extra))["number"] for row in {row.id: row for row in rows}.values())
        linked = {json.loads(_payload(row.extra))["number"]: row.queued_at for row in rows if row.dag_run_id}
        is_over = time.monotonic() > min(deadline, still + _STILL_S)
        # A copy may come after the last message: look on for as long as something moves.
        if is_over or (len(linked) == count and time.monotonic() > still + 15):
            last = max((at.timestamp() for at in linked.values()), default=begun)
            runs = len({row.dag_run_id for row in rows if row.dag_run_id})
            copies = sum(numbers.values()) - len(numbers)
            return Arrived(count, len(linked), sum(numbers.values()), copies, runs, last - begun)
        time.sleep(1.0)


def _payload(extra: object) -> str:
    content = extra if isinstance(extra, dict) else json.loads(str(extra))
    return str(content["payload"])


def _rows(found: dict[str, Arrived]) -> str:
    titles = {"message_queue": "`MessageQueueTrigger`, scheme kafka", "shared_stream": "`KafkaSharedStreamTrigger`"}
    header = ["trigger", "messages", "reached a run", "not yet when all was still", "asset events", "copies",
              "DAG runs", "seconds", "messages/s"]  # fmt: skip
    rows: list[list[object]] = [
        [titles[name], each.sent, each.arrived, each.sent - each.arrived, each.events, each.copies, each.runs,
         f"{each.seconds:.0f}", f"{each.arrived / each.seconds:.2f}" if each.seconds else "-"]
        for name, each in found.items()
    ]  # fmt: skip
    return table(header, rows)
