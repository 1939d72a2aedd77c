"""A model whose miscalibration is known by construction is brought to the truth, by days that it was not fitted on."""

from __future__ import annotations

import sys
import types

import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression

from catena.declaration import Calibration, Model
from catena.modeling.calibration import CalibratedClassifier, calibration_of
from catena.modeling.dataset import Boundaries, TrainingSet
from catena.modeling.errors import ModelingError, OneClass, TooFewRows
from catena.modeling.metrics import binary_metrics
from catena.modeling.soundness import soundness
from catena.modeling.state import parameters_digest, state_differences, state_of
from catena.modeling.train import fit_candidate, scores_of
from catena.partitions import shift_day
from catena.registry.trusted_types import trusted_types

ROWS_A_DAY, DAYS, CALIBRATED = 400, 40, 20
# The model says log odds of `SHIFT + STRETCH * truth`: the right curve is the inverse of that.
SHIFT, STRETCH = -0.8, 2.0
MODEL = Model(
    factory="toy_wrong:pipeline", numeric=("odds",), categorical=(), baseline_by=("odds",), slices=(),
    minimum_rows=100, calibration=Calibration(method="sigmoid", days=CALIBRATED),
)  # fmt: skip
FITTED_ON: list[int] = []


class Wrong(ClassifierMixin, BaseEstimator):
    """Knows the true log odds, and tells them wrongly."""

    def fit(self, X, y):
        FITTED_ON.append(len(X))
        self.classes_, self.feature_names_in_ = np.array([0, 1]), np.array(list(X.columns), dtype=object)
        return self

    def predict_proba(self, X):
        event = 1 / (1 + np.exp(-SHIFT - STRETCH * X["odds"].to_numpy()))
        return np.column_stack([1 - event, event])


@pytest.fixture(autouse=True)
def wrong(monkeypatch):
    module = types.ModuleType("toy_wrong")
    module.pipeline = lambda recipe: Wrong()
    module.linear = lambda recipe: LogisticRegression()
    monkeypatch.setitem(sys.modules, "toy_wrong", module)
    FITTED_ON.clear()


def rows_of(days: int, seed: int, *, first: str = "2024-01-01", drop: float = 0.0) -> pd.DataFrame:
    """Return labelled rows whose labels are drawn with the log odds that the column says, less a drop."""
    chance = np.random.default_rng(seed)
    count = days * ROWS_A_DAY
    day = np.repeat([shift_day(first, at) for at in range(days)], ROWS_A_DAY)
    odds = chance.normal(-1.0, 1.2, count)
    label = (chance.random(count) < 1 / (1 + np.exp(-odds + drop))).astype(float)
    at = pd.to_datetime(day, utc=True) + pd.to_timedelta(8, unit="h")
    return pd.DataFrame({"partition": day, "entity": [str(n) for n in range(count)], "decision_at": at, "odds": odds,
                         "label": label, "label_known_at": at + pd.Timedelta(hours=3)})  # fmt: skip


def training_set(train: pd.DataFrame, holdout: pd.DataFrame | None = None) -> TrainingSet:
    held = rows_of(7, 2, first="2024-03-01") if holdout is None else holdout
    return TrainingSet(train, train.head(0), held, 1, Boundaries("", "", 7, 0, "", ""), {})


TRAIN = rows_of(DAYS, 1)


@pytest.mark.parametrize("method", ["intercept", "sigmoid", "isotonic"])
def test_what_it_says_comes_true_on_days_after(method):
    """The calibration error of later days falls from 0.10 to sampling noise, as far as the curve can bend."""
    data = training_set(TRAIN, rows_of(20, 2, first="2024-03-01"))
    declared = MODEL.model_copy(update={"calibration": Calibration(method=method, days=CALIBRATED)})
    raw = scores_of(fit_candidate(data, MODEL.model_copy(update={"calibration": None})), data.holdout, "binary")
    fitted = scores_of(fit_candidate(data, declared), data.holdout, "binary")
    before, after = binary_metrics(data.holdout["label"], raw), binary_metrics(data.holdout["label"], fitted)
    assert before["ece"] > 0.08
    assert fitted.mean() == pytest.approx(data.holdout["label"].mean(), abs=0.02)
    assert after["brier"] < before["brier"]
    # A shift mends the mean; what is stretched stays stretched.
    assert after["ece"] < (before["ece"] if method == "intercept" else 0.02)
    assert after["roc_auc"] == pytest.approx(before["roc_auc"], abs=0.002 if method == "isotonic" else 1e-9)


def test_the_true_curve_is_found():
    """Intercept and slope are those that undo the model's error, within three standard errors of 8,000 rows."""
    curve = calibration_of(fit_candidate(training_set(TRAIN), MODEL))
    assert curve["slope"] == pytest.approx(1 / STRETCH, abs=0.04)
    assert curve["intercept"] == pytest.approx(-SHIFT / STRETCH, abs=0.1)
    assert (curve["first"], curve["last"], curve["rows"]) == ("2024-01-21", "2024-02-09", CALIBRATED * ROWS_A_DAY)


def test_the_curve_sees_the_last_days_by_a_model_of_the_days_before():
    """The level is that of the last days, not of all; the holdout, and labels that came too late, change nothing."""
    early, late = rows_of(DAYS - CALIBRATED, 3), rows_of(CALIBRATED, 4, first="2024-01-21", drop=0.7)
    data = training_set(pd.concat([early, late], ignore_index=True))
    curve = calibration_of(fit_candidate(data, MODEL))
    # The model that serves learns from all rows, the one behind the curve from those before its days.
    assert FITTED_ON == [DAYS * ROWS_A_DAY, (DAYS - CALIBRATED) * ROWS_A_DAY]
    assert curve["intercept"] == pytest.approx(-SHIFT / STRETCH - 0.7, abs=0.1)
    other = data.holdout.assign(label=1 - data.holdout["label"], odds=0.0)
    assert calibration_of(fit_candidate(training_set(data.train, other), MODEL)) == curve
    FITTED_ON.clear()
    unknown = data.train.assign(label_known_at=data.train["label_known_at"] + pd.Timedelta(days=2))
    fit_candidate(training_set(unknown), MODEL)
    assert FITTED_ON[1] == (DAYS - CALIBRATED - 2) * ROWS_A_DAY


@pytest.mark.parametrize("method", ["intercept", "sigmoid", "isotonic"])
def test_the_curve_travels_in_the_file(method):
    """Built from reviewed types alone, and fitted again, it is the same bit for bit; the solver before it is seen."""
    declared = MODEL.model_copy(update={
        "factory": "toy_wrong:linear", "calibration": Calibration(method=method, days=CALIBRATED),
    })  # fmt: skip
    data = training_set(TRAIN)
    one, again = fit_candidate(data, declared), fit_candidate(data, declared)
    loaded = skops.io.loads(skops.io.dumps(one), trusted=trusted_types(declared))
    frame = data.holdout[["odds"]]
    for other in (again, loaded):
        assert state_differences(state_of(one), state_of(other)) == []
        assert (scores_of(one, frame, "binary") == scores_of(other, frame, "binary")).all()
    raw = fit_candidate(data, declared.model_copy(update={"calibration": None}))
    assert parameters_digest(state_of(raw)) != parameters_digest(state_of(one))
    assert calibration_of(raw) is None
    checks = soundness(one, frame, data.holdout["label"], scores_of(one, frame, "binary"), "binary")
    assert {check.name: check.verdict for check in checks} == {
        "finite": "passed", "learned": "passed", "converged": "passed",
    }  # fmt: skip


def test_what_gives_no_curve_is_refused_by_name():
    """Too few days before, one class, a ranking turned round, values that are no probabilities."""
    with pytest.raises(TooFewRows, match="20 days"):
        fit_candidate(training_set(rows_of(CALIBRATED, 1)), MODEL)
    late = TRAIN.assign(label=TRAIN["label"].where(TRAIN["partition"] < "2024-01-21", 1.0))
    with pytest.raises(OneClass, match="no curve"):
        fit_candidate(training_set(late), MODEL)
    turned = CalibratedClassifier(Wrong().fit(TRAIN[["odds"]], None), "sigmoid")
    with pytest.raises(ModelingError, match="`intercept`"):
        turned.fit_curve(np.array([0.1, 0.2, 0.8, 0.9]), [1, 1, 0, 0], ["2024-01-01"] * 4)
    with pytest.raises(ValueError, match="no probabilities"):
        Model.model_validate({**MODEL.model_dump(), "kind": "regression"})


def test_a_model_without_one_is_declared_as_before():
    """What is not declared is not told: identities of models and training sets of before stay as they were."""
    plain = MODEL.model_copy(update={"calibration": None})
    assert "calibration" not in plain.model_dump()
    assert MODEL.model_dump()["calibration"] == {"method": "sigmoid", "days": CALIBRATED}
    assert Model.model_validate(plain.model_dump()) == plain
