"""The command line: answers at once, exit codes that scripts can use, JSON on standard output."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

from catena.database import database_url
from catena.declared import declared_usecase
from catena.settings import Settings
from catena.streams import open_log
from catena.workspace import Workspace

Catena = Callable[..., Any]


def process(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command as a shell does."""
    environment = {"PATH": os.environ["PATH"], "CATENA_HOME": str(home), "COLUMNS": "200", "CATENA_API_PORT": "1"}
    return subprocess.run(
        [sys.executable, "-c", "from catena.cli import main; main()", *arguments],
        capture_output=True, text=True, timeout=120, check=False, env=environment,
    )  # fmt: skip


def test_help_loads_nothing_heavy() -> None:
    """`catena --help` imports no data library, so that it answers at once."""
    program = (
        "import sys; sys.argv = ['catena', '--help']\nfrom catena.cli import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "heavy = {'pandas', 'pyarrow', 'duckdb', 'deltalake', 'sklearn', 'mlflow', 'sqlalchemy', 'airflow', 'httpx'}\n"
        "print('HEAVY', sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert "HEAVY []" in done.stdout
    assert "Exit codes: 0 done, 1 work failed, 2 wrong usage, 3 not running." in done.stdout


def test_what_is_not_running_exits_with_3(tmp_path: Path) -> None:
    """Commands that need a running installation say how to start one."""
    status = process(tmp_path, "status", "--json")
    assert status.returncode == 3
    assert {part["is_running"] for part in json.loads(status.stdout)} == {False}
    ledger = process(tmp_path, "ledger")
    assert ledger.returncode == 3
    assert "catena up" in ledger.stderr
    backfill = process(tmp_path, "backfill", "flight_delays", "--from", "2013-01-01", "--to", "2013-01-02")
    assert backfill.returncode == 3
    assert "catena up" in backfill.stderr


def test_wrong_usage_exits_with_2(catena: Catena, tmp_path: Path) -> None:
    """A name or a day that does not exist is wrong usage, and the message says what there is."""
    unknown = catena(tmp_path, "tables", "--usecase", "trains")
    assert (unknown.returncode, "flight_delays" in unknown.stderr) == (2, True)
    day = catena(tmp_path, "backfill", "flight_delays", "--from", "2013-02-31", "--to", "2013-03-01")
    assert (day.returncode, "2013-02-31" in day.stderr) == (2, True)
    turned = catena(tmp_path, "backfill", "flight_delays", "--from", "2013-03-02", "--to", "2013-03-01")
    assert (turned.returncode, "after" in turned.stderr) == (2, True)
    table = catena(tmp_path, "table", "schedules")
    assert (table.returncode, "schedule" in table.stderr) == (2, True)
    assert catena(tmp_path, "quarantine", "show", "flight_delays", "trains", "2013-01-01").returncode == 2


def test_json_goes_to_standard_output_alone(catena: Catena, tmp_path: Path, postgres_settings: Settings) -> None:
    """`--json` prints one JSON document."""
    names = [usecase["name"] for usecase in json.loads(catena(tmp_path, "usecases", "--json").stdout)]
    assert names == ["flight_delays", "seattle_weather"]
    tables = json.loads(catena(tmp_path, "tables", "--json").stdout)
    assert {"raw_flights", "quarantine", "predictions"} <= {table["table"] for table in tables}
    url = database_url(postgres_settings, "catena").render_as_string(hide_password=False)
    ledger = catena(tmp_path, "ledger", "flight_delays", "--as-of", "2013-03-01", "--json", CATENA_DATABASE_URL=url)
    assert (ledger.returncode, json.loads(ledger.stdout)) == (0, [])


def test_environments_are_listed_and_a_wrong_one_is_wrong_usage(catena: Catena, tmp_path: Path) -> None:
    """Each declared environment with its places; a name that is none says which there are."""
    listed = catena(tmp_path, "env", "list", "--json", CATENA_ENVIRONMENT="staging")
    rows = {row["environment"]: row for row in json.loads(listed.stdout)}
    assert [name for name, row in rows.items() if row["is_current"]] == ["staging"]
    assert (set(rows), rows["staging"]["home"]) == ({"dev", "staging", "prod"}, str(tmp_path))
    assert rows["prod"]["home"].endswith(".catena/prod")
    unknown = catena(tmp_path, "env", "list", CATENA_ENVIRONMENT="production")
    assert (unknown.returncode, "staging" in unknown.stderr) == (2, True)


def test_the_score_card_of_an_empty_installation_claims_nothing(
    catena: Catena, tmp_path: Path, workspace: Workspace
) -> None:
    """28 tests, none of them passed by what is declared; the file holds what is printed, and the page is there."""
    url, out = workspace.settings.database_url, tmp_path / "score.json"
    assert url is not None
    done = catena(tmp_path, "score-card", "flight_delays", "--json", "--out", str(out),
                  CATENA_DATABASE_URL=url.get_secret_value())  # fmt: skip
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    page = said.pop("path")
    assert (len(said["tests"]), {each["score"] for each in said["tests"].values()}) == (28, {0.0})
    assert json.loads(out.read_text(encoding="utf-8")) == said
    assert Path(page).is_file()


def test_models_that_never_served_have_no_history_and_no_rollback(
    catena: Catena, tmp_path: Path, postgres_settings: Settings
) -> None:
    """An empty history is an empty list; what cannot be rolled back or is unknown is wrong usage, with the reason."""
    url = database_url(postgres_settings, "catena").render_as_string(hide_password=False)
    there = {"CATENA_DATABASE_URL": url, "CATENA_API_PORT": "1"}
    history = catena(tmp_path, "models", "history", "flight_delays", "--json", **there)
    assert (history.returncode, json.loads(history.stdout)) == (0, [])
    rollback = catena(tmp_path, "models", "rollback", "flight_delays", "--reason", "x", **there)
    assert (rollback.returncode, "nothing was decided" in rollback.stderr) == (2, True)
    show = catena(tmp_path, "models", "show", "flight_delays", "trains/1", **there)
    assert (show.returncode, "trains/1" in show.stderr) == (2, True)


def test_down_where_nothing_runs_is_no_error(catena: Catena, tmp_path: Path) -> None:
    """Stopping a stopped installation succeeds, at once."""
    begun = time.monotonic()
    done = catena(tmp_path, "down")
    assert (done.returncode, done.stdout.strip()) == (0, "nothing was running")
    assert time.monotonic() - begun < 30


def test_a_day_is_replayed_into_the_broker(catena: Catena, tmp_path: Path, nats_settings: Settings) -> None:
    """`stream replay` publishes each event of a day once, and again only where a fault asks for it.

    New year's day has 2,522 events of flights and 67 hours of weather, counted in the files. Beyond the asked copies,
    a second replay of the same day within the broker's window for duplicates stores nothing.
    """
    replay = ("stream", "replay", "flight_delays", "--from", "2013-01-01", "--to", "2013-01-01", "--speed", "0")
    where = {"CATENA_NATS_PORT": str(nats_settings.nats_port)}
    done = catena(nats_settings.home, *replay, "--duplicate", "0.1", "--json", **where)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["sent"]["event"], told["events"]["weather.observed"] >= 67, told["known_already"]) == (2589, True, 0)
    copies = told["sent"]["duplicate"]
    again = json.loads(catena(nats_settings.home, *replay, "--json", **where).stdout)
    assert (again["sent"], again["known_already"]) == ({"event": 2589}, 2589)
    with ExitStack() as opened:
        streams = declared_usecase("flight_delays").streams
        logs = [opened.enter_context(closing(open_log(nats_settings, "flight_delays", stream))) for stream in streams]
        assert sum(log.end_offset(0) - log.begin_offset(0) for log in logs) == 2589 + copies
    not_started = catena(tmp_path, *replay)
    assert (not_started.returncode, "catena up" in not_started.stderr) == (3, True)
    silent = catena(nats_settings.home, *replay, CATENA_NATS_PORT="1")
    assert (silent.returncode, "127.0.0.1:1" in silent.stderr) == (3, True)


def test_wrong_replays_exit_with_2(catena: Catena, tmp_path: Path) -> None:
    """A share that is none, days in the wrong order, and a use case without streams are wrong usage."""
    days = ("--from", "2013-01-01", "--to", "2013-01-01")
    assert catena(tmp_path, "stream", "replay", "flight_delays", *days, "--late", "2").returncode == 2
    turned = catena(tmp_path, "stream", "replay", "flight_delays", "--from", "2013-01-02", "--to", "2013-01-01")
    assert turned.returncode == 2
    without = catena(tmp_path, "stream", "replay", "seattle_weather", *days)
    assert (without.returncode, "seattle_weather" in without.stderr) == (2, True)


def test_tables_are_maintained_by_hand(catena: Catena, tmp_path: Path) -> None:
    """`maintain` needs no broker and no database, says what it did, and refuses a retention that would harm readers."""
    import pyarrow as pa

    from catena.lake import arrow_schema
    from catena.run import Run
    from catena.workspace import Workspace

    declared = declared_usecase("seattle_weather")
    lake = Workspace(Settings(_env_file=None, home=tmp_path)).lake(declared)
    (table,) = [lake.tables[dataset.raw_table] for dataset in declared.datasets if dataset.raw_table][:1]
    for number in range(9):
        given = {"partition": "2012-01-01", "source_file": "f", "source_checksum": str(number), "line_number": 1}
        row = {field.name: given.get(field.name) for field in arrow_schema(table)} | {"ingested_at": 0}
        rows = pa.Table.from_pylist([row], schema=arrow_schema(table))
        lake.append_once(
            table.name, rows, run=Run("u", "ingest", "r", code_version="t"), delivery=str(number), details={}
        )
    done = catena(tmp_path, "maintain", "seattle_weather", "--json")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)["seattle_weather"]
    assert (said["status"], said["details"]["retention_hours"]) == ("published", 1)
    assert said["details"]["tables"][table.name]["files_after"] == 1
    again = catena(tmp_path, "maintain")
    assert (again.returncode, again.stdout.count("need nothing")) == (0, 2)
    assert catena(tmp_path, "maintain", "--retention-hours", "0").returncode == 2
    gone = catena(tmp_path, "maintain", "trains")
    assert (gone.returncode, "flight_delays" in gone.stderr) == (2, True)


def test_exploring_what_is_not_there_says_what_is_missing(
    catena: Catena, tmp_path: Path, postgres_settings: Settings
) -> None:
    """Days that are not there yet are failed work, an unknown table and a turned range wrong usage, each by name."""
    url = database_url(postgres_settings, "catena").render_as_string(hide_password=False)
    days = ("explore", "flight_delays", "--from", "2013-01-01", "--to", "2013-01-02")
    missing = catena(tmp_path, *days, "--table", "weather", CATENA_DATABASE_URL=url)
    assert (missing.returncode, "weather[2013-01-01]" in missing.stderr) == (1, True)
    unknown = catena(tmp_path, *days, "--table", "trains", CATENA_DATABASE_URL=url)
    assert (unknown.returncode, "schedule" in unknown.stderr) == (2, True)
    turned = catena(tmp_path, "explore", "flight_delays", "--from", "2013-01-02", "--to", "2013-01-01")
    assert (turned.returncode, "after" in turned.stderr) == (2, True)
