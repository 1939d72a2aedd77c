"""Which partition a run works on, and what downstream hears."""

from __future__ import annotations

import pytest
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from catena.declaration import Calendar
from catena.run import Outcome
from catena_airflow.partition_run import partitions_to_announce, resolve_partition

YEAR = Calendar(first="2013-01-01", last="2013-12-31")


@pytest.mark.parametrize(
    ("given", "grain", "key"),
    [
        ("2013-01-05", "day", "2013-01-05"),
        ("2013-01-05T00:00:00", "day", "2013-01-05"),
        ("2013-01", "month", "2013-01"),
        # A corrected day starts the report of its month.
        ("2013-01-05", "month", "2013-01"),
    ],
)
def test_key_of_a_run(given: str, grain: str, key: str) -> None:
    """A key comes out in the one format that joined assets share, whatever Airflow made of it."""
    assert resolve_partition(given, grain, YEAR) == key  # type: ignore[arg-type]


@pytest.mark.parametrize(("given", "grain"), [("", "day"), ("", "month")])
def test_run_without_partition_says_how_to_give_one(given: str, grain: str) -> None:
    """A run without a partition fails at once, without retries, and its error names the parameter."""
    with pytest.raises(AirflowFailException, match="parameter `partition`"):
        resolve_partition(given, grain, YEAR)  # type: ignore[arg-type]


@pytest.mark.parametrize("given", ["2013-02-31", "January", "2013-01-05T10:00:00"])
def test_key_that_is_no_day_fails_for_good(given: str) -> None:
    """A key that is no day of the calendar fails at once and is named."""
    with pytest.raises(AirflowFailException, match=given):
        resolve_partition(given, "day", YEAR)


@pytest.mark.parametrize(
    ("given", "grain"),
    [("2012-12-31", "day"), ("2014-01-01", "day"), ("2026-11-23", "day"), ("2014-01", "month"), ("2012-12", "month")],
)
def test_partition_without_data_is_skipped(given: str, grain: str) -> None:
    """A date for which there is no data ends as a skip with that sentence, never as a failure."""
    with pytest.raises(AirflowSkipException, match="no data for this partition"):
        resolve_partition(given, grain, YEAR)  # type: ignore[arg-type]


def test_month_that_the_calendar_cuts_is_run() -> None:
    """A month of which the calendar holds only a part has data."""
    cut = Calendar(first="2013-01-15", last="2013-03-02")
    assert [resolve_partition(month, "month", cut) for month in ("2013-01", "2013-03")] == ["2013-01", "2013-03"]


def test_link_of_days_and_months_takes_each_as_it_is() -> None:
    """Scoring and monitoring work on a month as well as on a day of it."""
    assert [resolve_partition(key, "day or month", YEAR) for key in ("2013-02", "2013-02-03")] == [
        "2013-02",
        "2013-02-03",
    ]


@pytest.mark.parametrize(
    ("status", "try_number", "announced"),
    [
        ("published", 1, ("2013-01-05",)),
        ("unchanged", 1, ()),
        # The first try may have died between commit and event.
        ("unchanged", 2, ("2013-01-05",)),
        ("skipped", 2, ()),
    ],
)
def test_what_downstream_hears(status: str, try_number: int, announced: tuple[str, ...]) -> None:
    """Repeats are silent; a retry never loses the event of a commit that its first try made."""
    outcome = Outcome(status, "because", ("2013-01-05",))  # type: ignore[arg-type]
    assert partitions_to_announce(outcome, try_number) == announced
