"""What served against what a training would learn from: features written again after they were scored."""

from __future__ import annotations

import pyarrow.compute as pc
import pytest

from catena.chain.deciding.promote import promote_candidate
from catena.chain.scoring.score import score_partition
from catena.chain.training.train import train_candidate
from catena.chain.watching.monitor import monitor_partition
from catena.partitions import days_of_month

pytestmark = pytest.mark.filterwarnings("ignore::Warning:mlflow")
DAY = "2024-02-01"


def measured(workspace, usecase):
    """Return the measures of the day by name and column."""
    rows = workspace.lake(usecase).read("health", [DAY]).to_pylist()
    return {(row["measure"], row["value_of"]): row["value"] for row in rows if row["window_days"] == 1}


def test_features_that_came_late_are_skew_and_the_same_ones_are_none(local, usecase, land, run_of):
    """Nothing differs at first; with the features of the day replaced, each row of `signal` does and none of `shop`."""
    land(days_of_month("2024-01"))
    train_candidate(local, usecase, "2024-01", run_of("train"))
    promote_candidate(local, usecase, "2024-01", run_of("promote"))
    for seed in ("", "late"):
        land([DAY], seed=seed)
        score_partition(local, usecase, DAY, run_of("score"))
        monitor_partition(local, usecase, DAY, run_of("monitor"))
        found = measured(local, usecase)
        assert found["skew_share", ""] == (1.0 if seed else 0.0)
        assert found.get(("skew_share", "signal")) == (1.0 if seed else None)
        assert ("skew_share", "shop") not in found
        assert (found["unsound_score_share", ""], found["missing_input_share", ""]) == (0.0, 0.0)
    # Two revisions, but on other inputs: nothing to say of jumps.
    assert found["score_jump", ""] is None


def test_skew_is_asked_of_the_columns_that_the_version_took(local, declare, land, run_of):
    """A version of `signal` and `noise` is compared in both, though today's declaration takes `signal` alone."""
    of_both = declare(numeric=("signal", "noise"))
    land(days_of_month("2024-01"))
    train_candidate(local, of_both, "2024-01", run_of("train"))
    promote_candidate(local, of_both, "2024-01", run_of("promote"))
    land([DAY])
    score_partition(local, of_both, DAY, run_of("score"))
    lake, today = local.lake(of_both), declare(numeric=("signal",))
    rows = lake.read("features", [DAY])
    place = rows.column_names.index("noise")
    other = rows.set_column(place, "noise", pc.add(rows["noise"], 1.0))
    lake.overwrite("features", other, run=run_of("features"), partitions=[DAY], standing="final")
    monitor_partition(local, today, DAY, run_of("monitor"))
    found = measured(local, today)
    assert (found["skew_share", ""], found["skew_share", "noise"]) == (1.0, 1.0)
    assert ("skew_share", "signal") not in found
