"""Eight days of real flights in a lake with features, made once and copied for each test."""

from __future__ import annotations

import io
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import psycopg
import pyarrow as pa
import pytest
from pydantic import SecretStr

from catena.chain.exploring.explore import exploration_path, explore
from catena.chain.featuring.features import build_features
from catena.chain.ingesting.clean import clean_rows
from catena.database import database_url
from catena.declaration import Dataset, UseCase
from catena.governance import Entry
from catena.lake import WHOLE, Lake
from catena.partitions import days
from catena.platform import postgres
from catena.run import Outcome, Run
from catena.settings import Settings
from catena.workspace import Workspace
from usecases.flight_delays import USECASE
from usecases.flight_delays.upstream import FLIGHT_DAY, WEATHER_DAY, _package_data, days_of, flights_text, weather_text

RUN = Run("flight_delays", "explore", "test", code_version="test")
FIRST, LAST = "2013-01-01", "2013-01-08"
SQL_TYPES = {"string": "VARCHAR", "int64": "BIGINT", "float64": "DOUBLE", "timestamp": "TIMESTAMPTZ"}


def land(workspace: Workspace, first: str, last: str) -> None:
    """Fill the clean tables of a range of days from the package's files, and make their features."""
    lake = workspace.lake(USECASE)
    for dataset, text, places in (("flights", flights_text(), FLIGHT_DAY), ("weather", weather_text(), WEATHER_DAY)):
        delivered = days_of(text, places, first, last)
        lines = [next(iter(delivered.values()))[0], *(line for day in delivered.values() for line in day[1:])]
        declared = USECASE.dataset(dataset)
        rows = _typed(declared, "".join(lines))
        for clean in declared.clean:
            made = clean_rows(USECASE, clean.sql, rows)
            keys = USECASE.table(clean.table).primary_key
            lake.overwrite(clean.table, _first_of(made, keys), run=RUN, partitions=days(first, last), standing="final")
    planes = _typed(USECASE.dataset("planes"), (_package_data() / "planes.csv").read_text(encoding="utf-8"))
    lake.overwrite("planes", clean_rows(USECASE, "planes.sql", planes), run=RUN, partitions=(WHOLE,))
    build_features(workspace, USECASE, first, RUN)


def _typed(dataset: Dataset, text: str) -> pa.Table:
    """Return a file's columns as their declared types, with the day as partition where there is one."""
    names = [column.name for column in dataset.columns]
    casts = ", ".join(
        f'CAST("{column.name}" AS {SQL_TYPES[column.type]}) AS "{column.name}"' for column in dataset.columns
    )
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        read = connection.read_csv(io.StringIO(text), header=True, na_values="NA", all_varchar=True)
        connection.register("read", read)
        day = ", printf('%04d-%02d-%02d', year::INT, month::INT, day::INT) AS partition" if "day" in names else ""
        return connection.sql(f"SELECT {casts}{day} FROM read").to_arrow_table()


def _first_of(rows: pa.Table, keys: Sequence[str]) -> pa.Table:
    """Return one row for each key; the weather has three hours twice."""
    with duckdb.connect() as connection:
        connection.register("rows", rows)
        order = ", ".join(keys)
        sql = f"SELECT * FROM rows QUALIFY row_number() OVER (PARTITION BY {order} ORDER BY {order}) = 1"
        return connection.sql(sql).to_arrow_table()


@pytest.fixture(scope="session")
def landed(tmp_path_factory: pytest.TempPathFactory, postgres_url: str) -> Path:
    """The lake, filled once. Making features takes a lock in the database and writes nothing there."""
    home = tmp_path_factory.mktemp("explored")
    workspace = Workspace(Settings(_env_file=None, home=home, database_url=SecretStr(postgres_url)))
    land(workspace, FIRST, LAST)
    workspace.engine.dispose()
    return Path(workspace.lake(USECASE).root)


@dataclass
class Flights:
    """A workspace with the flights in its lake."""

    workspace: Workspace
    usecase: UseCase = USECASE
    run: Run = RUN
    first: str = FIRST
    last: str = LAST

    @property
    def lake(self) -> Lake:
        """The lake of the flights."""
        return self.workspace.lake(self.usecase)

    @property
    def period(self) -> str:
        """All days that there are."""
        return f"{self.first}..{self.last}"

    def explore(self, tables: Sequence[str] = ()) -> Outcome:
        """Explore all days."""
        return explore(self.workspace, self.usecase, self.period, self.run, tables)

    def page(self, tables: Sequence[str] = ()) -> str:
        """Return the page of all days."""
        return exploration_path(self.workspace, self.usecase, self.period, tables).read_text(encoding="utf-8")

    def entry(self, subject: str = "profile") -> Entry:
        """Return the standing entry of all days."""
        found = self.workspace.ledger.last(self.usecase.name, "exploration", subject, partition=self.period)
        assert found is not None
        return found

    def alarms(self, subject: str) -> set[tuple[str, str, str]]:
        """Return rule, subject and column of each alarm that stands."""
        checks = self.entry(subject).payload["checks"]
        return {(alarm["rule"], alarm["subject"], alarm["column"]) for check in checks for alarm in check["alarms"]}

    def replace_feature(self, name: str, expression: str) -> None:
        """Put an expression over the outcome in the place of a feature, as if it had been made so from its inputs."""
        features = self.lake.read("features")
        at = features.schema.get_field_index(name)
        field = features.schema.field(at)
        values = self.beside(expression).cast(field.type)
        span = days(self.first, self.last)
        self.lake.overwrite(
            "features", features.set_column(at, field, values), run=self.run, partitions=span,
            inputs={day: identity for day, identity in self.lake.inputs("features", span).items() if identity},
        )  # fmt: skip

    def beside(self, expression: str) -> pa.ChunkedArray:
        """Return an expression over the features f and outcomes o of each row, in the order of the features."""
        with duckdb.connect() as connection:
            connection.register("features", self.lake.read("features"))
            connection.register("outcomes", self.lake.read("outcomes"))
            return connection.sql(
                f"SELECT {expression} AS value FROM features AS f "
                "JOIN outcomes AS o ON o.flight_id = f.entity ORDER BY f.partition, f.entity"
            ).to_arrow_table()["value"]


@pytest.fixture
def flights(workspace: Workspace, landed: Path) -> Flights:
    """The flights in a lake and a ledger of their own."""
    shutil.copytree(landed, workspace.lake(USECASE).root)
    return Flights(workspace)


@pytest.fixture(scope="module")
def explored(postgres_settings: Settings, landed: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flights]:
    """The flights, explored once; tests that use it change nothing."""
    url = database_url(postgres_settings, "catena").set(database="explored")
    with psycopg.connect(postgres.dsn(database_url(postgres_settings, "catena")), autocommit=True) as connection:
        connection.execute("CREATE DATABASE explored TEMPLATE template0 STRATEGY wal_log")
    secret = SecretStr(url.render_as_string(hide_password=False))
    workspace = Workspace(Settings(_env_file=None, home=tmp_path_factory.mktemp("pages"), database_url=secret))
    workspace.ledger.create()
    shutil.copytree(landed, workspace.lake(USECASE).root)
    flights = Flights(workspace)
    assert flights.explore().status == "published"
    yield flights
    workspace.engine.dispose()
