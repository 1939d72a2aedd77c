"""The second use case through all links in order, on real data; the model for a test of your own use case."""

from __future__ import annotations

import csv
import importlib.util
import statistics
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import make_url

from catena.chain.deciding.promote import promote_candidate
from catena.chain.exploring.explore import explore, verify_exploration
from catena.chain.featuring.features import build_features
from catena.chain.ingesting.ingest import ingest_dataset
from catena.chain.proving.card import card_path, issue_cards
from catena.chain.scoring.score import score_partition
from catena.chain.training.train import train_candidate
from catena.chain.watching.monitor import monitor_partition
from catena.chain.watching.report import issue_report
from catena.declared import declared_usecase
from catena.partitions import days, days_of_month
from catena.reports import card_disagreements, evidence_of
from catena.run import Run
from catena.settings import Settings
from catena.workspace import Workspace
from usecases.seattle_weather.upstream import export

pytestmark = pytest.mark.filterwarnings("ignore::Warning:mlflow")

USECASE = declared_usecase("seattle_weather")
DERIVED = ("forecast_days", "observations", "features", "predictions", "health", "quarantine")


def run(link: str) -> Run:
    """Return a run of a link."""
    return Run(USECASE.name, link, f"test__{link}")


def through_the_chain(workspace: Workspace) -> None:
    """Run every link over January and February 2012, as the DAGs would."""
    winter = days("2012-01-01", "2012-02-29")
    ingest_dataset(workspace, USECASE, "daily", winter, run("ingest"))
    for day in winter:
        build_features(workspace, USECASE, day, run("features"))
    train_candidate(workspace, USECASE, "2012-01", run("train"))
    explore(workspace, USECASE, "2012-01", run("explore"))
    promote_candidate(workspace, USECASE, "2012-01", run("promote"))
    score_partition(workspace, USECASE, "2012-02", run("score"))
    monitor_partition(workspace, USECASE, "2012-02", run("monitor"))
    for month in ("2012-01", "2012-02"):
        issue_report(workspace, USECASE, month, run("report"))


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory, postgres_url: str) -> Iterator[Workspace]:
    """An installation through which two months have gone."""
    home = tmp_path_factory.mktemp("seattle")
    settings = Settings(
        _env_file=None, home=home, database_url=SecretStr(postgres_url), tracking_uri=f"sqlite:///{home}/mlflow.db"
    )
    workspace = Workspace(settings)
    export(settings.landing_root, make_url(postgres_url), "2012-01-01", "2012-02-29")
    through_the_chain(workspace)
    yield workspace
    workspace.engine.dispose()


@pytest.fixture(scope="module")
def station() -> dict[str, dict[str, str]]:
    """The station's rows by day, read without any code of the chain."""
    spec = importlib.util.find_spec("vega_datasets")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    file = Path(spec.submodule_search_locations[0]) / "_data" / "seattle-weather.csv"
    with file.open(encoding="utf-8", newline="") as lines:
        return {row["date"].replace("/", "-"): row for row in csv.DictReader(lines)}


def test_each_day_of_the_decided_month_is_forecast_once(chain: Workspace) -> None:
    """The first month only trains; each of the 29 days of February 2012 has exactly one current forecast."""
    rows = chain.lake(USECASE).read("predictions").to_pylist()
    assert [row["entity"] for row in rows] == days_of_month("2012-02")
    assert len(rows) == 29
    assert {row["revision"] for row in rows} == {1}


def test_features_hold_what_the_station_had_measured_the_day_before(
    chain: Workspace, station: dict[str, dict[str, str]]
) -> None:
    """Nothing of the day itself is among its features; yesterday and the week before are, as the file has them."""
    row = chain.lake(USECASE).read("features", ["2012-02-10"]).to_pylist()[0]
    week = [float(station[day]["temp_max"]) for day in days("2012-02-03", "2012-02-09")]
    assert row["temperature_max_1d_c"] == float(station["2012-02-09"]["temp_max"])
    assert row["weather_1d"] == station["2012-02-09"]["weather"]
    assert row["temperature_max_mean_7d_c"] == pytest.approx(statistics.mean(week))
    assert row["decision_at"].isoformat() == "2012-02-10T14:00:00+00:00"


def test_a_decision_stands_in_the_ledger_and_forecasts_are_sane(
    chain: Workspace, station: dict[str, dict[str, str]]
) -> None:
    """February is served by what was decided on January, and its mean error is that of a forecast, not of a guess."""
    decision = chain.ledger.last(USECASE.name, "promotion", "model", partition="2012-02")
    assert decision is not None
    assert decision.decision in {"PROMOTE", "HOLD", "REJECT"}
    rows = chain.lake(USECASE).read("predictions").to_pylist()
    errors = [abs(row["score"] - float(station[row["partition"]]["temp_max"])) for row in rows]
    # The spread of February's own temperatures around their mean is about 2 degrees; a broken chain is off by more.
    assert statistics.mean(errors) < 4.0


def test_monitoring_measures_the_error_that_the_file_gives(
    chain: Workspace, station: dict[str, dict[str, str]]
) -> None:
    """The realised error of a day equals forecast minus measurement, computed from the file."""
    day = "2012-02-15"
    lake = chain.lake(USECASE)
    forecast = lake.read("predictions", [day]).to_pylist()[0]["score"]
    health = {
        row["measure"]: row["value"]
        for row in lake.read("health", [day]).to_pylist()
        if row["window_days"] == 1 and row["dimension"] == ""
    }
    assert health["mae"] == pytest.approx(abs(forecast - float(station[day]["temp_max"])))


def test_both_months_have_a_report(chain: Workspace) -> None:
    """Also the month in which nothing served yet is reported."""
    issued = chain.ledger.entries(USECASE.name, kind="report", subject="monthly")
    assert [entry.partition for entry in issued] == ["2012-01", "2012-02"]
    assert all((chain.settings.pages / entry.payload["path"]).exists() for entry in issued)


def test_the_split_of_the_training_set_is_judged(chain: Workspace) -> None:
    """The month's exploration judges the training set that was taken: it is split in time. Its numbers stand."""
    entry = chain.ledger.last(USECASE.name, "exploration", "profile", partition="2012-01")
    assert entry is not None
    verdicts = {check["rule"]: check["verdict"] for check in entry.payload["checks"]}
    assert verdicts["train_test_overlap"] == "CLEAR"
    assert entry.payload["reasons"] == []
    assert verify_exploration(chain, USECASE, "2012-01") == []


def test_the_version_has_a_card(chain: Workspace) -> None:
    """A model of values, too: its tests are asked, its error stands beside the baseline's, each number is cited."""
    assert issue_cards(chain, USECASE, "2012-01", run("report")).status == "published"
    page = card_path(chain, USECASE, "seattle_weather/1").read_text(encoding="utf-8")
    assert card_disagreements(page) == []
    proof = evidence_of(page)["facts"]["proof"]
    assert [item["name"] for item in proof["behaviour"]] == ["warmer_day_before", "calm_or_breezy"]
    assert proof["metrics"]["mae"]["estimate"] > 0
    assert proof["baseline"]["metrics"]["mae"]["low"] is not None


def test_a_second_pass_changes_no_content(chain: Workspace) -> None:
    """Every link is idempotent: the same days again leave every partition's content as it was."""
    lake = chain.lake(USECASE)
    winter = days("2012-01-01", "2012-02-29")
    before = {table: lake.contents(table, winter) for table in DERIVED}
    entries = len(chain.ledger.entries(USECASE.name))
    through_the_chain(chain)
    assert {table: lake.contents(table, winter) for table in DERIVED} == before
    assert len(chain.ledger.entries(USECASE.name)) == entries
