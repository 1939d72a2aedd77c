"""The whole chain under the real scheduler: 34 days across a month's end, then again, then with a corrected day."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pyarrow.compute as pc
import pytest
from sqlalchemy import text

from catena.chain.proving.card import issue_card
from catena.chain.score_card.card import ScoreCard, issue_score_card, score_card
from catena.chain.score_card.evidence import gather
from catena.chain.training.replay import enter_replay, replay_version
from catena.chain.training.snapshot_views import versions_by_snapshot
from catena.governance.releases import releases_of
from catena.partitions import days
from catena.run import Run

pytestmark = [pytest.mark.chain, pytest.mark.timeout(1800)]
TABLES = ("schedule", "outcomes", "weather", "features", "predictions", "health")
REFERENCES = ("planes", "airports", "airlines")
FEBRUARY = ["2013-02-01", "2013-02-02", "2013-02-03"]


def contents(chain: Any) -> dict[str, dict[str, int | None]]:
    """Return the content identity of every table and partition."""
    lake, window = chain.workspace.lake(chain.usecase), days(chain.first, chain.last)
    return {name: lake.contents(name, window) for name in TABLES} | {name: lake.contents(name) for name in REFERENCES}


def test_no_run_failed(chain: Any) -> None:
    """Thirty-four days pass the whole chain without a failure, and each link has run."""
    assert chain.failures == []
    states = Counter((run["dag_id"], run["state"]) for run in chain.runs())
    assert {state for _, state in states} == {"success"}
    assert states["flight_delays.ingest", "success"] == 34
    links = {dag_id.rpartition(".")[2] for dag_id, _ in states}
    assert links == {"reference", "ingest", "features", "search", "train", "promote", "score", "monitor", "report"}


def test_each_link_is_started_no_more_than_needed(chain: Any) -> None:
    """Runs are what a backfill costs: one for each day or month and reason, as docs/decisions/001 says."""
    runs = Counter(run["dag_id"].rpartition(".")[2] for run in chain.runs())
    assert (runs["features"], runs["search"], runs["train"], runs["promote"]) == (34, 1, 1, 1)
    months = {
        link: Counter(run["partition_key"] for run in chain.runs() if run["dag_id"] == f"flight_delays.{link}")
        for link in ("score", "monitor", "report")
    }
    # New features and the decision on February ask for their month; features that one task made ask once.
    assert set(months["score"]) == {"2013-01", "2013-02"}
    assert runs["score"] <= 35
    assert set(months["monitor"]) == {"2013-02"}
    assert runs["monitor"] <= len(FEBRUARY)
    # January by its decision; February by its measured days, which skip until the month is whole.
    assert months["report"]["2013-01"] == 1
    assert set(months["report"]) == {"2013-01", "2013-02"}
    assert months["report"]["2013-02"] <= len(FEBRUARY)


def test_tables_hold_the_published_counts(chain: Any) -> None:
    """January has 27,004 flights, 606 of them without an arrival delay, and every flight has features."""
    lake = chain.workspace.lake(chain.usecase)
    january = days("2013-01-01", "2013-01-31")
    outcomes = lake.read("outcomes", january)
    assert (outcomes.num_rows, outcomes["arrival_delay_min"].null_count) == (27_004, 606)
    window = days(chain.first, chain.last)
    schedule, features = lake.read("schedule", window), lake.read("features", window, columns=["entity"])
    assert features.num_rows == schedule.num_rows == lake.read("outcomes", window).num_rows
    assert set(features["entity"].to_pylist()) == set(schedule["flight_id"].to_pylist())


def test_days_are_scored_from_the_first_champion_on(chain: Any) -> None:
    """Nothing is scored before a model could have existed; from February on each flight is scored once."""
    lake = chain.workspace.lake(chain.usecase)
    predictions = lake.read("predictions")
    assert sorted(set(predictions["partition"].to_pylist())) == FEBRUARY
    assert predictions.num_rows == lake.read("schedule", FEBRUARY).num_rows
    assert pc.max(predictions["revision"]).as_py() == 1
    assert 0 < pc.min(predictions["score"]).as_py() <= pc.max(predictions["score"]).as_py() < 1


def test_applications_see_the_same_scores(chain: Any) -> None:
    """PostgreSQL holds for each entity the score that the lake holds."""
    predictions = chain.workspace.lake(chain.usecase).read("predictions")
    with chain.workspace.engine.connect() as connection:
        published = connection.execute(text("SELECT entity, score FROM predictions WHERE usecase = 'flight_delays'"))
        scores = {row.entity: row.score for row in published}
    assert scores == dict(zip(predictions["entity"].to_pylist(), predictions["score"].to_pylist(), strict=True))


def test_decisions_are_in_the_ledger(chain: Any) -> None:
    """January's candidate, what serves in February and why, each day's verdicts, and the report are on record."""
    ledger = chain.workspace.ledger
    candidate = ledger.last("flight_delays", "candidate", "model", partition="2013-01")
    assert candidate.decision == "TRAINED"
    promotion = ledger.last("flight_delays", "promotion", "model", partition="2013-02")
    assert promotion.decision in {"PROMOTE", "HOLD"}
    assert promotion.payload["reasons"]
    assert promotion.effective_at.isoformat() == "2013-02-01T00:00:00+00:00"
    assert ledger.last("flight_delays", "promotion", "model", as_of=datetime(2013, 1, 31, tzinfo=UTC)) is None
    verdicts = {(entry.subject, entry.partition) for entry in ledger.entries("flight_delays", kind="quality")}
    assert verdicts >= {(name, day) for name in ("flights", "weather") for day in days(chain.first, chain.last)}
    assert ledger.last("flight_delays", "report", "monthly", partition="2013-01").decision == "ISSUED"


def test_everything_names_a_release_that_is_on_record(chain: Any) -> None:
    """Each entry of the ledger and each commit of a table was made by code that the installation recorded at start."""
    ledger, lake = chain.workspace.ledger, chain.workspace.lake(chain.usecase)
    recorded = {entry.partition for entry in releases_of(ledger)}
    assert {entry.code_version for entry in ledger.entries(chain.usecase.name)} <= recorded
    commits = [commit for name in TABLES for commit in lake.history(name) if "catena.run_id" in commit]
    assert len(commits) >= len(TABLES)
    assert {commit["catena.code_version"] for commit in commits} <= recorded


def test_report_is_served_to_those_who_log_in(chain: Any) -> None:
    """January's report opens inside Airflow's UI, and only there."""
    url = f"{chain.api.url}/catena/flight_delays/reports/2013-01.html"
    assert httpx.get(url).status_code == 401
    page = httpx.get(url, headers=chain.login())
    assert page.status_code == 200
    assert "27,004" in page.text


def test_asset_events_say_what_happened(chain: Any) -> None:
    """An event carries the partition, the table versions and the dataset's verdict."""
    assets = chain.get("assets", name_pattern="flight_delays.outcomes")["assets"]
    asset = next(asset for asset in assets if asset["name"] == "flight_delays.outcomes")
    events = chain.get("assets/events", asset_id=asset["id"], limit=100)["asset_events"]
    assert sorted(event["partition_key"] for event in events) == days(chain.first, chain.last)
    extra = events[0]["extra"]
    assert extra["accounting"]["rows_in"] > 0
    assert extra["versions"]


def test_second_backfill_changes_nothing(chain: Any) -> None:
    """Two weeks across the month's end again: each run ends, no content changes, nothing downstream starts."""
    before, started = contents(chain), len(chain.runs())
    again = days("2013-01-21", chain.last)
    backfill = lambda: chain.api.backfill(chain.dag("ingest"), again[0], again[-1], reprocess="completed")  # noqa: E731
    assert chain.cascade(backfill) == []
    assert contents(chain) == before
    assert len(chain.runs()) == started + len(again) == started + 14
    assert {run["state"] for run in chain.runs()} == {"success"}


def test_corrected_day_flows_to_what_rests_on_it(chain: Any) -> None:
    """A corrected outcome changes its day's labels and health and later days' features, nothing earlier, no model.

    Runs last but one: it leaves another history than the other tests assert.
    """
    before = contents(chain)
    file = Path(chain.settings.landing_root) / "flight_delays" / "flights" / "2013-02-01.csv"
    delayed = _with_late_arrivals(file.read_text(encoding="utf-8"))
    file.write_text(delayed, encoding="utf-8")
    assert chain.cascade(lambda: chain.api.trigger(chain.dag("ingest"), partition_key="2013-02-01")) == []
    after = contents(chain)
    changed = {(name, day) for name in TABLES for day, identity in after[name].items() if identity != before[name][day]}
    assert {table for table, day in changed if day == "2013-02-01"} >= {"outcomes", "health"}
    assert {(table, day) for table in ("features", "health") for day in FEBRUARY[1:]} <= changed
    assert all(day >= "2013-02-01" and table not in {"schedule", "weather"} for table, day in changed)
    assert [run["partition_key"] for run in chain.runs() if run["dag_id"] == "flight_delays.train"] == ["2013-01"]


# MLflow's own, where its client runs in this process.
@pytest.mark.filterwarnings("ignore")
def test_each_version_is_built_again_bit_for_bit(chain: Any) -> None:
    """Each version that was trained comes out of its record again: dataset, parameters and predictions are EQUAL.

    After the correction, which left another outcome in the tables.
    """
    versions = versions_by_snapshot(chain.workspace.ledger, chain.usecase)
    assert [sorted(each) for each in versions.values()] == [["flight_delays-baseline/1", "flight_delays/1"]]
    for version in (each for found in versions.values() for each in found):
        replayed = replay_version(chain.workspace, chain.usecase, version)
        assert [(check.what, check.verdict) for check in replayed.checks] == [
            ("dataset", "EQUAL"), ("parameters", "EQUAL"), ("predictions", "EQUAL"),
        ], replayed.as_dict()  # fmt: skip
        assert (replayed.is_same_release, replayed.environment) == (True, ())
        enter_replay(chain.workspace, chain.usecase, replayed, Run(chain.usecase.name, "models", "chain-test"))


# Tests that this installation alone must pass; of the others some need months, a search, or the outcomes of all tests.
PROVED = {
    "data-1", "data-5", "model-5", "model-6", "infrastructure-1", "infrastructure-4", "infrastructure-5",
    "infrastructure-6", "infrastructure-7", "monitoring-2", "monitoring-4", "monitoring-7",
}  # fmt: skip


@pytest.mark.filterwarnings("ignore")
def test_the_score_card_proves_what_the_chain_did(chain: Any, publish_card: Callable[[ScoreCard], None]) -> None:
    """Computed last, on what the chain left on record; each section has at least what must hold here."""
    run = Run(chain.usecase.name, "report", "chain-test")
    issue_card(chain.workspace, chain.usecase, "flight_delays/1", run)
    issued = issue_score_card(chain.workspace, chain.usecase, None, run)
    assert issued.status == "published"
    card = score_card(gather(chain.workspace, chain.usecase))
    publish_card(card)
    lacking = {test: finding.said for test, finding in card.findings.items() if test in PROVED and finding.score < 1}
    assert not lacking
    least = {"Data": 2.0, "Model": 2.0, "Infrastructure": 3.0, "Monitoring": 4.0}
    assert {name: card.sections[name] >= score for name, score in least.items()} == dict.fromkeys(least, True)


def _with_late_arrivals(delivery: str) -> str:
    """Return a day's file in which ten flights have arrived an hour later, times and delays in agreement."""
    header, *rows = csv.reader(delivery.splitlines())
    places = {name: header.index(name) for name in ("arr_time", "arr_delay", "air_time")}
    left = 10
    for row in rows:
        arrived, delay = row[places["arr_time"]], row[places["arr_delay"]]
        if left and delay not in {"", "NA"} and int(arrived) < 2200:
            row[places["arr_time"]], row[places["arr_delay"]] = str(int(arrived) + 100), str(int(delay) + 60)
            left -= 1
    return "\n".join(",".join(row) for row in [header, *rows]) + "\n"
