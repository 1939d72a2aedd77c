"""The search link: when it is due, what training waits for, and what becomes of a recipe that was adopted."""

from __future__ import annotations

import sys
from dataclasses import replace

import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import KBinsDiscretizer

from catena.chain.deciding.promote import promote_candidate
from catena.chain.training.recipes import Recipes
from catena.chain.training.replay import replay_version
from catena.chain.training.search import (
    conclude_search,
    fail_search,
    plan_search,
    search_in_process,
    search_one,
    search_what_waits,
)
from catena.chain.training.search_record import repeat_search
from catena.chain.training.train import train_candidate
from catena.chain.training.training_data import open_registry
from catena.declaration import Family, Gate, IntRange, Search
from catena.partitions import days, days_of_month

# MLflow 3.17 uses what SQLAlchemy 2.1 and pandas 3.1 have deprecated; its own warnings are not ours to mend.
pytestmark = pytest.mark.filterwarnings("ignore::Warning:mlflow", "ignore:Bins whose width are too small")
JANUARY, FEBRUARY = days_of_month("2024-01"), days_of_month("2024-02")
COARSE = {"factory": "toy_models:binned", "family": "bins", "params": {"n_bins": 2}}
SEARCH = Search(
    families=(Family(name="bins", factory="toy_models:binned", space={"n_bins": IntRange(low=2, high=12)}),),
    trials=4, folds=2, fold_days=5, confirmation_days=14, first_after_months=2, every_months=1,
)  # fmt: skip


@pytest.fixture(autouse=True)
def binned(monkeypatch):
    """A factory that sees the signal through a few bins: two of them lose a good part of it."""

    def build(recipe):
        bins = KBinsDiscretizer(encode="onehot-dense", strategy="uniform", **recipe.params)
        return make_pipeline(bins, LogisticRegression(random_state=recipe.seed))

    monkeypatch.setattr(sys.modules["toy_models"], "binned", build, raising=False)


@pytest.fixture
def searching(declare):
    gate = Gate(metric="roc_auc", refresh_margin=0.05)
    return declare(**COARSE).model_copy(update={"search": SEARCH, "gate": gate})


def carried_out(workspace, usecase, month, run_of):
    """Search a month as the DAG does, step by step."""
    jobs = plan_search(workspace, usecase, month, run_of("search")).details["jobs"]
    return conclude_search(workspace, usecase, [search_one(workspace, usecase, job) for job in jobs], run_of("search"))


def test_a_recipe_that_is_shown_better_is_trained_replayed_and_judged_as_a_refresh(local, searching, land, run_of):
    """February waits for its search, takes what it adopted, is built again bit for bit, and need not show it twice."""
    land([*JANUARY, *FEBRUARY])
    assert plan_search(local, searching, "2024-01", run_of("search")).details["jobs"][0]["month"] == "2024-02"
    assert train_candidate(local, searching, "2024-01", run_of("train")).partitions == ("2024-01",)
    waiting = train_candidate(local, searching, "2024-02", run_of("train"))
    assert (waiting.status, waiting.reason) == ("skipped", "2024-02 waits for its search")
    outcome = carried_out(local, searching, "2024-02", run_of)
    assert (outcome.status, outcome.details["decision"]) == ("published", "ADOPT")
    again = conclude_search(local, searching, [{"job": {"month": "2024-02"}, "findings": None, "failure": ""}],
                            run_of("search"))  # fmt: skip
    assert (again.status, again.partitions) == ("unchanged", ("2024-02",))
    assert train_candidate(local, searching, "2024-02", run_of("train")).partitions == ("2024-02",)
    recipes = Recipes(local.ledger, searching)
    assert recipes.model("2024-01").params == {"n_bins": 2}
    assert recipes.model("2024-02").params == outcome.details["recipe"]["params"] != {"n_bins": 2}
    for version in ("toys/1", "toys/2"):
        assert replay_version(local, searching, version).is_equal
    for month in ("2024-01", "2024-02"):
        promote_candidate(local, searching, month, run_of("promote"))
    checks = local.ledger.last("toys", "promotion", "model", partition="2024-03").payload["checks"]
    check = next(each for each in checks if each["name"] == "not_worse_than_champion")
    assert check["reason"].endswith("Search 2024-02 showed it.")
    # What is declared anew in the code is a new beginning.
    other = searching.model_copy(update={"model": searching.model.model_copy(update={"params": {"n_bins": 3}})})
    assert Recipes(local.ledger, other).model("2024-02").params == {"n_bins": 3}


def test_a_search_is_on_record_in_ledger_and_mlflow_and_can_be_made_again(local, searching, land, run_of):
    """The entry names families, trials, days, snapshot and proof; MLflow has a run for each trial below one."""
    land([*JANUARY, *FEBRUARY])
    seen = []
    search_in_process(local, searching, "2024-02", run_of("search"), progress=lambda trial: seen.append(trial.number))
    assert seen == [0, 1, 2, 3]
    (entry,) = local.ledger.entries("toys", kind="search")
    said = entry.payload
    assert (entry.partition, entry.effective_at.isoformat()) == ("2024-02", "2024-03-01T00:00:00+00:00")
    assert said["families"]["bins"] | {"cpu_seconds": 0} == {
        "asked": 4, "done": 4, "failed": 0, "is_cut_short": False, "cpu_seconds": 0,
        "pruned": sum(trial["state"] == "pruned" for trial in said["trials"]),
        "best": said["best"]["value"], "params": said["recipe"]["params"],
    }  # fmt: skip
    assert [trial["number"] for trial in said["trials"]] == [0, 1, 2, 3]
    assert said["trials"][0]["params"] == {"n_bins": 2}
    assert [(fold["first"], fold["last"]) for fold in (*said["folds"], said["confirmation"])] == [
        ("2024-01-30", "2024-02-03"), ("2024-02-04", "2024-02-08"), ("2024-02-09", "2024-02-22"),
    ]  # fmt: skip
    assert said["snapshot"].startswith("toys/2024-02@")
    client = open_registry(local.settings)._client
    parent = client.get_run(said["run_id"])
    children = client.search_runs([parent.info.experiment_id], f"tags.`mlflow.parentRunId` = '{said['run_id']}'")
    assert len(children) == 4
    assert {run.data.params["n_bins"] for run in children} == {str(t["params"]["n_bins"]) for t in said["trials"]}
    assert repeat_search(local, searching, entry) == []
    broken = dict(said, trials=[dict(said["trials"][0], value=0.1), *said["trials"][1:]])
    (differing,) = repeat_search(local, searching, replace(entry, payload=broken))
    assert differing.startswith("bins 0: ")


def test_the_holdout_changes_nothing(local, searching, land, run_of):
    """Labels and features of the held-out days are poisoned: trials, gains and decision stay as they were."""
    land([*JANUARY, *FEBRUARY])
    before = search_in_process(local, searching, "2024-02", run_of("search"))
    (entry,) = local.ledger.entries("toys", kind="search")
    land(days("2024-02-23", "2024-02-29"), bought=1, seed="poisoned")
    local.ledger.append(run_of("search"), kind="search", subject="model", partition="2024-02", decision="FAILED",
                        effective_at=entry.effective_at, payload={})  # fmt: skip
    after = search_in_process(local, searching, "2024-02", run_of("search"))
    assert after.details == before.details
    again = local.ledger.last("toys", "search", "model", partition="2024-02").payload
    assert again["snapshot"] != entry.payload["snapshot"]
    assert [again[name] for name in ("trials", "values", "confirmed")] == [
        entry.payload[name] for name in ("trials", "values", "confirmed")
    ]


def test_a_search_that_breaks_down_or_that_data_forbid_holds_nothing_up(local, searching, land, run_of):
    """FAILED with its reason, the recipe in force stays, and training goes on with it; by hand it may be made again."""
    land([*JANUARY, *FEBRUARY])
    train_candidate(local, searching, "2024-01", run_of("train"))
    assert fail_search(local, searching, "2024-02", run_of("search")).partitions == ("2024-02",)
    assert train_candidate(local, searching, "2024-02", run_of("train")).partitions == ("2024-02",)
    assert Recipes(local.ledger, searching).adoption("2024-02") is None
    assert "no training" in fail_search(local, searching, "2024-02", run_of("search")).reason
    too_long = searching.model_copy(update={"search": SEARCH.model_copy(update={"confirmation_days": 60})})
    outcome = search_in_process(local, too_long, "2024-02", run_of("search"))
    assert outcome.details["decision"] == "FAILED"
    assert "too short" in outcome.reason
    assert search_in_process(local, searching, "2024-02", run_of("search")).details["decision"] == "ADOPT"


def test_months_whose_days_came_first_are_searched_after_those_before(local, searching, land, run_of):
    """March's days come before February's: its search waits, and is made when February's is concluded."""
    march = days_of_month("2024-03")
    land([*JANUARY, *march])
    outcome = plan_search(local, searching, "2024-03", run_of("search"))
    assert outcome.details["jobs"] == []
    assert "the search of 2024-02 waits for features[2024-02-01]" in outcome.reason
    land(FEBRUARY)
    carried_out(local, searching, "2024-02", run_of)
    assert search_what_waits(local, searching, "2024-02", run_of("search")) == ["2024-03"]
    assert [entry.partition for entry in local.ledger.entries("toys", kind="search")] == ["2024-02", "2024-03"]
    assert train_candidate(local, searching, "2024-02", run_of("train")).partitions == ("2024-01", "2024-02", "2024-03")
