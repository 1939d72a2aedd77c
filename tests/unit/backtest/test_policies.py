"""When policies train: on Sundays, or on the days that confirmed alarms ask for, as the chain itself would have.

The toys' labels follow their signal but on the bad days, on which everybody buys. Where they do, the mean score lies
about one half below the mean label; on other days of 20 rows the gap has a spread of 0.1.
"""

from __future__ import annotations

import pytest

from catena.backtest.ground import Ground
from catena.backtest.life import Life
from catena.backtest.plan import Policy
from catena.chain.training.recipes import Recipes
from catena.declaration import Calendar, Family, Gate, IntRange, Limit, Monitoring, Retraining, Search
from catena.partitions import days

pytestmark = pytest.mark.filterwarnings("ignore::Warning:mlflow")
WATCHED = Monitoring(
    trailing_days=1, minimum_rows=10,
    limits=(Limit(measure="calibration_gap", minimum=-0.3, maximum=0.3, reason="Far from what happened."),),
    retraining=Retraining(on=("calibration_gap",), confirmation_days=3, cooldown_days=10, reason="The world changed:"),
)  # fmt: skip
FIRST = "2024-01-01"
# Due before the training of March, and of each second month from then on.
SEARCH = Search(
    families=(Family(name="regular", factory="toy_models:pipeline", space={"max_iter": IntRange(low=50, high=200)}),),
    trials=1, folds=2, fold_days=5, confirmation_days=14, first_after_months=3, every_months=2,
)  # fmt: skip


@pytest.fixture
def lived(local, usecase, land):
    """Return a function that lets a policy live through days, of which some are bad, and returns its ground."""
    grounds = []

    def live(retrain, last, bad, search=None):
        span = days(FIRST, last)
        land([day for day in span if day not in bad])
        if bad:
            land(sorted(bad), bought=1)
        changes = {"monitoring": WATCHED, "calendar": Calendar(first=FIRST, last=last), "search": search,
                   "gate": Gate(metric="roc_auc", refresh_margin=0.2)}  # fmt: skip
        declared = usecase.model_copy(update=changes)
        ground = Ground(local.settings)
        grounds.append(ground)
        Life(ground, declared, Policy(name=retrain, says=retrain, retrain=retrain), lambda _: None).live()
        return ground, declared

    yield live
    for ground in grounds:
        ground.engine.dispose()


def trained(ground):
    entries = ground.ledger.entries("toys", kind="candidate", subject="model")
    return [entry.partition for entry in entries if entry.decision != "SKIPPED"]


def asked(ground):
    return [entry.partition for entry in ground.ledger.entries("toys", kind="alarm", subject="retraining")]


FEBRUARY = {*days("2024-02-10", "2024-02-12"), *days("2024-02-16", "2024-02-18"), *days("2024-02-27", "2024-02-29")}


def test_on_drift_a_training_is_cut_where_three_bad_days_end_outside_the_cool_down(lived):
    """Asked on the 12th; not on the 18th, six days later; on the 29th: at the end of the month, as its own training.

    March is not trained, so the search that was due before its training goes before the next one, in April.
    """
    bad = {*FEBRUARY, *days("2024-04-03", "2024-04-05")}
    ground, declared = lived("drift", "2024-04-07", bad, SEARCH)
    assert asked(ground) == ["2024-02-12", "2024-02-29", "2024-04-05"]
    assert trained(ground) == ["2024-01", "2024-02-12", "2024-02", "2024-04-05"]
    decided = {entry.partition: entry.payload["training_month"]
               for entry in ground.ledger.entries("toys", kind="promotion")}  # fmt: skip
    assert decided == {"2024-02": "2024-01", "2024-02-13": "2024-02-12", "2024-03": "2024-02", "2024-04": "2024-03",
                       "2024-04-06": "2024-04-05"}  # fmt: skip
    (search,) = ground.ledger.entries("toys", kind="search")
    assert (search.partition, search.effective_at.date().isoformat()) == ("2024-03", "2024-04-01")
    april = ground.ledger.last("toys", "candidate", "model", partition="2024-04-05")
    assert search.id < april.id
    assert Recipes(ground.ledger, declared).awaited("2024-04") == []


def test_with_the_months_own_trainings_the_cool_down_counts_from_them_too(lived):
    """Asked on 12 February. What ends on the 29th coincides with the month's own; the alarm of 5 March is too soon."""
    bad = {*FEBRUARY, *days("2024-03-03", "2024-03-05")}
    ground, _ = lived("monthly_and_drift", "2024-03-07", bad)
    assert asked(ground) == ["2024-02-12"]
    assert trained(ground) == ["2024-01", "2024-02-12", "2024-02"]


def test_weekly_trains_on_sundays_whatever_alarms_say(lived):
    """The first Sunday of February 2024 is the 4th; three bad days before it ask for nothing."""
    ground, _ = lived("weekly", "2024-02-06", {*days("2024-02-01", "2024-02-03")})
    assert trained(ground) == ["2024-01", "2024-02-04"]
    assert ground.ledger.entries("toys", kind="alarm") == []


def test_never_is_one_training_and_no_search_that_is_due_later(lived):
    """What is not trained is not searched for, and what waits for its search holds nobody up."""
    ground, _ = lived("never", "2024-03-02", set(), SEARCH.model_copy(update={"first_after_months": 2}))
    assert trained(ground) == ["2024-01"]
    assert ground.ledger.entries("toys", kind="search") == []
    decided = [(entry.partition, entry.decision) for entry in ground.ledger.entries("toys", kind="promotion")]
    assert decided == [("2024-02", "PROMOTE"), ("2024-03", "HOLD")]
