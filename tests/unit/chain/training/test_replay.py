"""A version is built again from its record, bit for bit; where something differs, the replay says what."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

import catena.chain.training.replay as link
from catena.chain.deciding.promote import promote_candidate
from catena.chain.proving.card import issue_card
from catena.chain.training.replay import UnknownVersion, replay_version, usecase_of
from catena.chain.training.snapshots import archive_of, read_record, snapshot_entries
from catena.chain.training.train import train_candidate
from catena.partitions import days_of_month
from catena.reports import card_disagreements

# MLflow 3.17 uses what SQLAlchemy 2.1 and pandas 3.1 have deprecated; its own warnings are not ours to mend.
pytestmark = pytest.mark.filterwarnings("ignore::Warning:mlflow")
JANUARY = days_of_month("2024-01")


@pytest.fixture
def trained(local, usecase, land, run_of, begin):
    """January, trained."""

    def live():
        land(JANUARY)
        train_candidate(local, usecase, "2024-01", run_of("train"))

    return begin("trained", live)


def verdicts(found):
    return {check.what: check.verdict for check in found.checks}


EQUAL = dict.fromkeys(("dataset", "parameters", "predictions"), "EQUAL")


def test_candidate_and_baseline_are_built_again_whatever_became_of_the_tables(trained, usecase, land):
    """After corrections and a vacuum of the tables all is EQUAL; the code is named as another release."""
    land(JANUARY, seed="corrected")
    for name in ("features", "outcomes"):
        trained.lake(usecase).open(name).vacuum(0, dry_run=False, enforce_retention_duration=False)
    for version in ("toys/1", "toys-baseline/1"):
        found = replay_version(trained, usecase, version)
        assert verdicts(found) == EQUAL
        assert [check.differences for check in found.checks] == [(), (), ()]
        assert (found.is_equal, found.is_same_release, found.environment) == (True, False, ())
    assert usecase_of([usecase], "toys-baseline/1") is usecase
    with pytest.raises(UnknownVersion, match=r"toys-baseline/1, toys/1"):
        replay_version(trained, usecase, "toys/7")


def test_another_recipe_is_told_by_parameter_and_score(trained, usecase, monkeypatch):
    """Code that fits otherwise leaves the dataset equal; the replay names the setting and the scores."""
    import toy_models

    def other(recipe):
        logistic = LogisticRegression(C=0.01, random_state=recipe.seed)
        return Pipeline([("scale", StandardScaler()), ("logistic", logistic)])

    monkeypatch.setattr(toy_models, "pipeline", other)
    found = replay_version(trained, usecase, "toys/1")
    assert verdicts(found) == {**EQUAL, "parameters": "DIFFERENT", "predictions": "DIFFERENT"}
    _, parameters, predictions = found.checks
    assert "steps[1][1].C: 1.0 -> 0.01" in parameters.differences
    assert any(line.startswith("steps[1][1].coef_: ") for line in parameters.differences)
    assert "140 of 140 scores differ" in predictions.differences[0]


def test_changed_rows_are_told_by_day_entity_and_column(trained, usecase):
    """One label of one kept day is turned: the replay names day, row and column, and goes on."""
    lake = trained.lake(usecase)
    record = read_record(lake, snapshot_entries(trained.ledger, usecase)[0])
    file = Path(archive_of(lake).file_of(record.days["2024-01-05"].sha256))
    rows = pyarrow.parquet.read_table(file).to_pylist()
    rows[3]["label"] = 1 - rows[3]["label"]
    schema = pyarrow.parquet.read_schema(file)
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows, schema=schema), file)
    found = replay_version(trained, usecase, "toys/1")
    assert verdicts(found) == dict.fromkeys(EQUAL, "DIFFERENT")
    said = found.checks[0].differences[0]
    assert said.startswith("2024-01-05: 20 rows are on record, 20 are there")
    assert "1 changed (2024-01-05-03) in label" in said
    file.unlink()
    assert "none is there" in replay_version(trained, usecase, "toys/1").checks[0].differences[0]


def test_another_library_is_named(trained, usecase, monkeypatch):
    """What is installed now and was not at training is said, with both versions; the comparison goes on."""
    now = link.environment()
    monkeypatch.setattr(link, "environment", lambda: {**now, "scikit-learn": "9.9", "lock.dev": "f" * 64})
    found = replay_version(trained, usecase, "toys/1")
    assert found.is_equal
    assert f"scikit-learn: {now['scikit-learn']} -> 9.9" in found.environment
    assert f"lock.dev: {now['lock.dev'][:12]} -> ffffffffffff" in found.environment


def test_a_recipe_that_is_gone_is_a_difference(trained, usecase, monkeypatch):
    """A factory that the installed code lacks makes parameters and predictions differ, and says why."""
    import toy_models

    monkeypatch.delattr(toy_models, "pipeline")
    found = replay_version(trained, usecase, "toys/1")
    assert verdicts(found) == {**EQUAL, "parameters": "DIFFERENT", "predictions": "DIFFERENT"}
    assert "toy_models:pipeline" in found.checks[1].differences[0]


def test_the_baseline_that_a_decision_made_is_replayed(local, usecase, land, run_of):
    """Where training broke down, promotion takes the snapshot and makes the baseline: it is on record as well."""
    land(JANUARY)
    promote_candidate(local, usecase, "2024-01", run_of("promote"))
    assert verdicts(replay_version(local, usecase, "toys-baseline/1")) == EQUAL


def test_a_calibrated_version_is_built_again_and_says_its_curve(local, declare, land, run_of):
    """The curve is in the file, on the card, and in the candidate's entry: its days end before the holdout."""
    calibrated = declare(calibration={"method": "sigmoid", "days": 7})
    land(JANUARY)
    train_candidate(local, calibrated, "2024-01", run_of("train"))
    assert verdicts(replay_version(local, calibrated, "toys/1")) == EQUAL
    curve = local.ledger.last("toys", "candidate", "model", partition="2024-01").payload["calibration"]
    assert (curve["method"], curve["first"], curve["last"], curve["rows"]) == (
        "sigmoid", "2024-01-18", "2024-01-24", 140
    )  # fmt: skip
    page = issue_card(local, calibrated, "toys/1", run_of("report")).path.read_text(encoding="utf-8")
    assert "<b>sigmoid</b>, fitted on" in page
    assert f">{curve['slope']:.3f}</span> of the log odds" in page
    assert card_disagreements(page) == []
