"""Versions are scored on the months after their training, once, and each month adds to the curve."""

from __future__ import annotations

import pytest

from catena.chain.proving.staleness import last_staleness, measure_staleness, staleness_path
from catena.chain.training.train import train_candidate
from catena.partitions import days_of_month
from catena.reports import card_disagreements

# MLflow 3.17 uses what SQLAlchemy 2.1 and pandas 3.1 have deprecated; its own warnings are not ours to mend.
pytestmark = pytest.mark.filterwarnings("ignore::Warning:mlflow")
JANUARY, FEBRUARY, MARCH = (days_of_month(f"2024-0{number}") for number in (1, 2, 3))


def test_each_month_is_measured_once_with_all_versions_before_it(local, usecase, land, run_of):
    """February sees the version of January; March sees two, and its curve rests on both months."""
    land(JANUARY)
    train_candidate(local, usecase, "2024-01", run_of("train"))
    assert measure_staleness(local, usecase, "2024-01", run_of("report")).status == "skipped"
    land(FEBRUARY[:-1])
    waiting = measure_staleness(local, usecase, "2024-02", run_of("report"))
    assert (waiting.status, waiting.reason) == (
        "skipped", "2024-02 waits for features[2024-02-29], outcomes[2024-02-29]",
    )  # fmt: skip
    land(FEBRUARY[-1:])
    land(MARCH)
    train_candidate(local, usecase, "2024-03", run_of("train"))
    outcome = measure_staleness(local, usecase, "2024-03", run_of("report"))
    assert outcome.partitions == ("2024-02", "2024-03")
    february, march = local.ledger.entries("toys", kind="staleness")
    assert set(february.payload["versions"].items()) == {("toys/1", "2024-01-31")}
    assert {(version, day[:7]) for version, day, _, _ in march.payload["scored"]} == {
        ("toys/1", "2024-03"), ("toys/2", "2024-03"),
    }  # fmt: skip
    assert [item["week"] for item in february.payload["curve"]] == [1, 2, 3, 4, 5]
    assert (march.payload["curve"][0]["versions"], march.payload["curve"][-1]["versions"]) == (2, 1)
    assert march.payload["curve"][0]["loss"]["estimate"] == 0.0
    page = staleness_path(local, usecase).read_text(encoding="utf-8")
    assert card_disagreements(page) == []
    assert measure_staleness(local, usecase, "2024-03", run_of("report")).status == "unchanged"
    assert last_staleness(local.ledger, usecase) == march
