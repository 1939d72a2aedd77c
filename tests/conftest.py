"""Fixtures that every kind of test shares: real PostgreSQL and NATS servers, and opened workspaces on the former.

Data of a use case and frames for one link belong beside the tests that use them.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hypothesis
import psycopg
import pytest
from pydantic import SecretStr
from sqlalchemy import URL, create_engine
from xdist.scheduler import LoadScopeScheduling

from catena.database import database_url
from catena.governance import Ledger
from catena.platform import installation, postgres, processes
from catena.run import code_version
from catena.settings import Settings
from catena.workspace import Workspace

if TYPE_CHECKING:
    from catena.chain.score_card.card import ScoreCard

# A busy machine is no failure, and a red run must be red again when it is repeated.
hypothesis.settings.register_profile("catena", deadline=None, derandomize=True)
hypothesis.settings.load_profile("catena")

_numbers = count(1)


class _ByInstallation(LoadScopeScheduling):
    """Gives a worker all tests of a file, and one worker all that share the running installation of tests/chain."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return "tests/chain" if file.startswith("tests/chain/") else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    """Return how tests are shared out; marks of groups do not reach xdist 3.8 from pytest 9.2."""
    return _ByInstallation(config, log)


# What takes longest begins first, so that the workers end together.
_LONGEST = ("tests/chain/", "tests/usecases/", "tests/unit/backtest/", "tests/deploy/", "tests/faults/")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the tests into the order in which workers take them."""
    items.sort(key=lambda item: [not item.nodeid.startswith(folder) for folder in _LONGEST])


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option with which `make test` keeps outcomes for the score card."""
    parser.addoption("--record-outcomes", action="store_true", help="keep the outcomes for `catena score-card`")


def pytest_configure(config: pytest.Config) -> None:
    """Keep outcomes in the process that hears of all of them; workers of xdist only tell it theirs."""
    if config.getoption("--record-outcomes") and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Outcomes(Settings().recorded_tests, code_version()))


class Outcomes:
    """Writes each test's outcome as it ends, with the version of the code; those of other code are dropped first.

    In the end it says what the score card of the chain's days came to, where it was computed.
    """

    def __init__(self, file: Path, code: str) -> None:
        self._file, self._code, self._card = file, code, card_file(file)
        self._card.unlink(missing_ok=True)
        self._worst: dict[str, str] = {}
        file.parent.mkdir(parents=True, exist_ok=True)
        lines = file.read_text(encoding="utf-8").splitlines(keepends=True) if file.exists() else []
        file.write_text("".join(line for line in lines if json.loads(line)["code"] == code), encoding="utf-8")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note the worst of a test's three phases."""
        phases = ("passed", "skipped", "failed")
        self._worst[report.nodeid] = max(self._worst.get(report.nodeid, "passed"), report.outcome, key=phases.index)
        if report.when == "teardown":
            said = {"test": report.nodeid, "outcome": self._worst.pop(report.nodeid), "code": self._code}
            with self._file.open("a", encoding="utf-8") as file:
                file.write(f"{json.dumps(said)}\n")

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Publish the scores of the sections."""
        if self._card.exists():
            sections = json.loads(self._card.read_text(encoding="utf-8"))["sections"]
            scores = ", ".join(f"{name.lower()} {score:g}" for name, score in sections.items())
            terminalreporter.write_line(f"ML Test Score of the few weeks that the chain's tests live: {scores} (of 7)")


def card_file(recorded: Path) -> Path:
    """Return where the chain's tests leave their score card: beside the outcomes."""
    return recorded.with_name("score-card.json")


@pytest.fixture
def publish_card(pytestconfig: pytest.Config) -> Callable[[ScoreCard], None]:
    """Return a function that leaves a score card beside the outcomes, where these are kept."""

    def publish(card: ScoreCard) -> None:
        if pytestconfig.getoption("--record-outcomes"):
            text = json.dumps(card.as_dict(), indent=2, ensure_ascii=False)
            card_file(Settings().recorded_tests).write_text(text, encoding="utf-8")

    return publish


def free_port() -> int:
    """Return a loopback port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


# Its standard input ends with the process that holds the other end, however that process ends.
_STOP_AT_THE_END = """
import sys, pathlib
sys.stdin.read()
home = pathlib.Path(sys.argv[1])
if home.exists():
    from catena.platform import installation
    from catena.settings import Settings
    installation.down(Settings(_env_file=None, home=home))
"""


@pytest.fixture(scope="session")
def outlived_by_none() -> Iterator[Callable[[Path], None]]:
    """Return a function after which the servers of a home stop even where the tests are killed."""
    with ExitStack() as watchers:

        def watch(home: Path) -> None:
            command = [sys.executable, "-c", _STOP_AT_THE_END, str(home)]
            watcher = subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)
            watchers.enter_context(watcher)

        yield watch


@pytest.fixture(scope="session")
def postgres_settings(outlived_by_none: Callable[[Path], None]) -> Iterator[Settings]:
    """Settings of an installation of which only the embedded PostgreSQL runs, with all its databases."""
    # Not below pytest's own folder: each session closes that to others, and as root the server is another user.
    with tempfile.TemporaryDirectory(prefix="catena-tests-") as home:
        settings = Settings(_env_file=None, home=Path(home), postgres_port=free_port())
        outlived_by_none(settings.home)
        installation.start_postgres(settings)
        try:
            _spare_the_disk(settings)
            postgres.create_databases(settings)
            yield settings
        finally:
            # Nobody reads these databases again: the server need not write them out first.
            processes.stop(settings, ["postgres"], patience_seconds=0)


def _spare_the_disk(settings: Settings) -> None:
    """Let the server leave to the machine when files reach the disk: its databases outlive processes, nothing else."""
    server = database_url(settings, "catena").set(database="postgres")
    with psycopg.connect(postgres.dsn(server), autocommit=True) as connection:
        connection.execute("ALTER SYSTEM SET fsync = off")
        connection.execute("ALTER SYSTEM SET full_page_writes = off")
        connection.execute("SELECT pg_reload_conf()")


@pytest.fixture(scope="session")
def nats_settings(outlived_by_none: Callable[[Path], None]) -> Iterator[Settings]:
    """Settings of an installation of which only the embedded NATS server runs."""
    with tempfile.TemporaryDirectory(prefix="catena-tests-") as home:
        settings = Settings(_env_file=None, home=Path(home), nats_port=free_port())
        outlived_by_none(settings.home)
        installation.start_nats(settings)
        try:
            yield settings
        finally:
            processes.stop(settings, ["nats"])


@pytest.fixture(scope="session")
def postgres_url(postgres_settings: Settings) -> str:
    """URL (psycopg driver) of Catena's database on the session's server, ledger created; shared by all tests."""
    return database_url(postgres_settings, "catena").render_as_string(hide_password=False)


@pytest.fixture(scope="session")
def create_database(postgres_settings: Settings) -> Callable[[str], str]:
    """Return a function that copies a database of the session's server, and returns the URL of the copy."""

    def create(template: str) -> str:
        server = database_url(postgres_settings, "catena")
        name = f"test_{next(_numbers)}"
        with psycopg.connect(postgres.dsn(server.set(database="postgres")), autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY wal_log'.encode())
        return server.set(database=name).render_as_string(hide_password=False)

    return create


@pytest.fixture(scope="session")
def drop_database(postgres_settings: Settings) -> Callable[[URL], None]:
    """Return a function that removes a database of the session's server, whoever is still connected to it.

    One at a time, while its files are still in memory: at the session's end, thousands of files take half a minute.
    """
    server = postgres.dsn(database_url(postgres_settings, "catena").set(database="postgres"))

    def drop(url: URL) -> None:
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f'DROP DATABASE "{url.database}" WITH (FORCE)'.encode())

    return drop


@pytest.fixture
def fresh_database(create_database: Callable[[str], str]) -> Callable[[], str]:
    """Return a function that creates an empty database and returns its URL."""
    return lambda: create_database("template0")


@pytest.fixture(scope="session")
def empty_ledger(create_database: Callable[[str], str]) -> str:
    """Name of a database that holds an empty ledger: copying it is cheaper than creating the ledger again."""
    engine = create_engine(create_database("template0"))
    Ledger(engine).create()
    engine.dispose()
    return str(engine.url.database)


@pytest.fixture
def workspace(
    tmp_path: Path, create_database: Callable[[str], str], drop_database: Callable[[URL], None], empty_ledger: str
) -> Iterator[Workspace]:
    """An opened, empty installation of its own: home in `tmp_path`, a fresh database with the ledger."""
    url = SecretStr(create_database(empty_ledger))
    opened = Workspace(Settings(_env_file=None, home=tmp_path, database_url=url))
    yield opened
    opened.engine.dispose()
    drop_database(opened.engine.url)
