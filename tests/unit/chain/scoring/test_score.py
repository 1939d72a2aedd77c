"""The scoring link: when a day is scored, what is appended, and what applications see."""

from __future__ import annotations

import pytest
from sqlalchemy import text

import catena.chain.scoring.score as link
from catena.chain.deciding.promote import promote_candidate
from catena.chain.scoring.score import score_partition
from catena.chain.training.train import train_candidate
from catena.partitions import days_of_month

# MLflow 3.17 uses what SQLAlchemy 2.1 and pandas 3.1 have deprecated; its own warnings are not ours to mend.
pytestmark = pytest.mark.filterwarnings("ignore::Warning:mlflow")
JANUARY, FEBRUARY = days_of_month("2024-01"), days_of_month("2024-02")
DAY = "2024-02-01"


@pytest.fixture
def decided(local, usecase, land, run_of, begin):
    """January is trained and serves from February on."""

    def live():
        land(JANUARY)
        train_candidate(local, usecase, "2024-01", run_of("train"))
        promote_candidate(local, usecase, "2024-01", run_of("promote"))

    return begin("decided", live)


def published(workspace, day):
    columns = "entity, score, revision, model_version"
    query = text(f"SELECT {columns} FROM predictions WHERE partition = :day ORDER BY entity")
    with workspace.engine.connect() as connection:
        return [tuple(row) for row in connection.execute(query, {"day": day})]


def test_the_first_period_is_not_scored_and_says_why(local, usecase, land, run_of):
    """No model can serve in the month that the first one is trained on."""
    land(JANUARY[:1])
    outcome = score_partition(local, usecase, "2024-01-01", run_of("score"))
    assert (outcome.status, outcome.reason) == ("skipped", "first training period, nothing serves yet")


def test_a_day_waits_for_its_features_and_for_the_decision(local, decided, usecase, land, run_of):
    """Whatever is missing is named; when both are there, the day is scored, once."""
    assert "features[2024-02-01]" in score_partition(local, usecase, DAY, run_of("score")).reason
    assert "waiting for the decision" in score_partition(local, usecase, "2024-03-01", run_of("score")).reason
    land([DAY])
    outcome = score_partition(local, usecase, DAY, run_of("score"))
    assert (outcome.status, outcome.partitions) == ("published", (DAY,))
    rows = local.lake(usecase).read("predictions", [DAY]).to_pylist()
    assert len(rows) == 20
    assert {(row["revision"], row["model_version"], row["model_role"]) for row in rows} == {(1, "toys/1", "champion")}
    assert [(row["entity"], row["score"], 1, "toys/1") for row in rows] == published(local, DAY)
    version = local.lake(usecase).version("predictions")
    again = score_partition(local, usecase, DAY, run_of("score"))
    assert (again.status, again.partitions) == ("unchanged", ())
    assert score_partition(local, usecase, DAY, run_of("score", 2)).partitions == (DAY,)
    assert local.lake(usecase).version("predictions") == version


def test_a_month_is_scored_in_one_commit(local, decided, usecase, land, run_of):
    """The decision's run scores all days that are there; the days' own runs then find nothing to do."""
    land(FEBRUARY)
    outcome = score_partition(local, usecase, "2024-02", run_of("score"))
    assert outcome.partitions == tuple(FEBRUARY)
    assert local.lake(usecase).version("predictions") == 1
    assert score_partition(local, usecase, DAY, run_of("score")).status == "unchanged"
    assert sum(len(published(local, day)) for day in FEBRUARY) == 29 * 20


def test_a_correction_appends_a_revision_and_keeps_the_old_one(local, decided, usecase, land, run_of):
    """The lake keeps what was said before; applications see the newest."""
    land([DAY])
    score_partition(local, usecase, DAY, run_of("score"))
    before = published(local, DAY)
    land([DAY], seed="corrected")
    score_partition(local, usecase, DAY, run_of("score"))
    rows = local.lake(usecase).read("predictions", [DAY]).to_pylist()
    assert [row["score"] for row in rows if row["revision"] == 1] == [row[1] for row in before]
    assert sorted({row["revision"] for row in rows}) == [1, 2]
    assert {row[2] for row in published(local, DAY)} == {2}


def test_the_same_scores_from_new_inputs_make_no_revision(local, decided, usecase, land, run_of):
    """A correction and its reversal before anybody scored leaves one revision."""
    land([DAY])
    score_partition(local, usecase, DAY, run_of("score"))
    recorded = local.lake(usecase).inputs("predictions", [DAY])
    rows = local.lake(usecase).read("features", [DAY])
    shops = rows.set_column(4, rows.schema.field(4), rows["shop"].combine_chunks().cast("string").fill_null("A"))
    flipped = shops.set_column(4, rows.schema.field(4), [["B"] * 20])
    local.lake(usecase).overwrite("features", flipped, run=run_of("features"), partitions=[DAY])
    # The model does not read `shop`: the scores are the same.
    outcome = score_partition(local, usecase, DAY, run_of("score"))
    assert outcome.status == "unchanged"
    assert local.lake(usecase).inputs("predictions", [DAY]) != recorded
    assert local.lake(usecase).read("predictions", [DAY]).num_rows == 20


def test_a_crash_between_commit_and_publication_is_made_good(local, decided, usecase, land, run_of, monkeypatch):
    """The lake has the scores, PostgreSQL does not: the retry publishes and tells downstream."""
    land([DAY])
    with monkeypatch.context() as patch:
        patch.setattr(link, "publish_partition", lambda *_: (_ for _ in ()).throw(ConnectionError("gone")))
        with pytest.raises(ConnectionError):
            score_partition(local, usecase, DAY, run_of("score"))
    assert local.lake(usecase).read("predictions", [DAY]).num_rows == 20
    assert published(local, DAY) == []
    assert score_partition(local, usecase, DAY, run_of("score", 2)).partitions == (DAY,)
    assert len(published(local, DAY)) == 20


def test_an_entity_that_a_correction_removes_is_no_longer_published(local, decided, usecase, land, run_of):
    """Applications do not see a prediction for what does not exist."""
    land([DAY])
    score_partition(local, usecase, DAY, run_of("score"))
    lake = local.lake(usecase)
    lake.overwrite("features", lake.read("features", [DAY]).slice(1), run=run_of("features"), partitions=[DAY])
    score_partition(local, usecase, DAY, run_of("score"))
    assert [row[0] for row in published(local, DAY)] == [f"{DAY}-{n:02d}" for n in range(1, 20)]


def test_an_older_model_is_judged_and_scored_by_its_own_columns(local, usecase, declare, land, run_of):
    """After a change of declared columns the old champion still serves, is compared, and scores what it always did."""
    before = declare(numeric=("noise", "signal"))
    land(JANUARY)
    train_candidate(local, before, "2024-01", run_of("train"))
    promote_candidate(local, before, "2024-01", run_of("promote"))
    land(FEBRUARY)
    assert score_partition(local, usecase, DAY, run_of("score")).status == "published"
    now = published(local, DAY)
    assert {row[3] for row in now} == {"toys/1"}
    train_candidate(local, usecase, "2024-02", run_of("train"))
    promote_candidate(local, usecase, "2024-02", run_of("promote"))
    decision = local.ledger.last("toys", "promotion", "model", partition="2024-03").payload
    assert (decision["champion"]["model_version"], decision["challenger"]["model_version"]) == ("toys/1", "toys/2")
    assert 0.7 < decision["champion"]["metrics"]["roc_auc"] < 0.95
    fits = next(check for check in decision["checks"] if check["name"] == "fits_consumers")
    assert (fits["status"], fits["numbers"]["dropped"]) == ("passed", ["noise"])
