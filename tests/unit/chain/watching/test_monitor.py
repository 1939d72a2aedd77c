"""The monitor link: what a day's health rests on, and when it is measured anew."""

from __future__ import annotations

import pyarrow as pa
import pytest

from catena.chain.watching.monitor import monitor_partition
from catena.lake import arrow_schema
from catena.partitions import start_of


def measures(world, day):
    """Return the health rows of a day by measure, window, dimension and value."""
    rows = world.lake.read("health", [day]).to_pylist()
    return {(row["measure"], row["window_days"], row["dimension"], row["value_of"]): row for row in rows}


def test_values_are_those_of_a_count_by_hand(world):
    """The means, the coverage and the volumes of a day are what counting its rows gives."""
    day = "2013-02-10"
    outcome = monitor_partition(world.workspace, world.usecase, day, world.run)
    assert outcome.status == "published"
    found = measures(world, day)
    rows = world.lake.read("arrivals", [day]).to_pylist()
    scores = {row["entity"]: row["score"] for row in world.lake.read("predictions", [day]).to_pylist()}
    late = {row["parcel"]: row["delay_min"] > 15 for row in rows if row["delay_min"] is not None}
    assert found["rows", 1, "", ""]["value"] == len(rows) == 24
    assert found["label_coverage", 1, "", ""]["value"] == pytest.approx(23 / 24)
    assert found["label_mean", 1, "", ""]["value"] == pytest.approx(sum(late.values()) / 23)
    brier = sum((scores[key] - is_late) ** 2 for key, is_late in late.items()) / 23
    assert found["brier", 1, "", ""]["value"] == pytest.approx(brier)
    pairs = [
        (scores[a] > scores[b]) + 0.5 * (scores[a] == scores[b]) for a in late if late[a] for b in late if not late[b]
    ]
    assert found["roc_auc", 1, "", ""]["value"] == pytest.approx(sum(pairs) / len(pairs))
    # 8 hours after midnight, then every half hour: the 24th arrives at 19:30, four and a half hours before midnight.
    assert found["freshness_h", 1, "", ""]["value"] == pytest.approx(4.5)
    assert found["label_mean", 7, "", ""]["rows"] == 7 * 23
    assert {key[3] for key in found if key[0] == "roc_auc" and key[2] == "region"} == {"east", "north", "south"}


def test_first_served_days_do_not_wait_for_predictions_that_were_never_made(world):
    """The trailing window of the first served days reaches back to days on which nothing served."""
    assert monitor_partition(world.workspace, world.usecase, "2013-02-01", world.run).status == "published"
    assert measures(world, "2013-02-01")["label_mean", 7, "", ""]["rows"] == 23


def test_a_served_day_without_predictions_waits(world):
    """Where something served, a day is measured only once its whole window is scored."""
    world.workspace.ledger.append(
        world.run,
        kind="promotion",
        subject="model",
        partition="2013-01",
        decision="PROMOTE",
        effective_at=start_of("2013-01"),
        payload={"serves": {"model_version": "0", "role": "champion", "trained_on": "2012-12"}},
    )
    outcome = monitor_partition(world.workspace, world.usecase, "2013-02-01", world.run)
    # The first day whose window of seven lies in February altogether.
    assert outcome.partitions[0] == "2013-02-07"
    assert measures(world, "2013-02-01") == {}


def test_the_same_inputs_change_nothing(world):
    """A repeat writes no version; a retry tells downstream of the days that stand."""
    first = monitor_partition(world.workspace, world.usecase, "2013-02-27", world.run)
    assert set(first.partitions) == {"2013-02-27", "2013-02-28"}
    version = world.lake.version("health")
    assert monitor_partition(world.workspace, world.usecase, "2013-02-27", world.run).status == "unchanged"
    again = monitor_partition(world.workspace, world.usecase, "2013-02-27", world.again())
    assert (again.status, again.partitions) == ("unchanged", ("2013-02-27", "2013-02-28"))
    assert world.lake.version("health") == version


def test_a_correction_reaches_every_window_that_holds_the_day(world):
    """A corrected outcome is measured anew on its day and on the six days whose window reaches back to it."""
    monitor_partition(world.workspace, world.usecase, "2013-02-01", world.run)
    monitor_partition(world.workspace, world.usecase, "2013-02-08", world.run)
    rows = world.lake.read("arrivals", ["2013-02-03"]).to_pylist()
    world.put("arrivals", [row | {"delay_min": 90.0} for row in rows], ["2013-02-03"])
    outcome = monitor_partition(world.workspace, world.usecase, "2013-02-03", world.run)
    assert outcome.partitions == tuple(f"2013-02-{day:02d}" for day in range(3, 10))
    assert measures(world, "2013-02-03")["label_mean", 1, "", ""]["value"] == 1.0


def test_an_alert_is_raised_and_cleared(world):
    """A passed limit is an alert in table and ledger; measured again within the limits, it is cleared."""
    world.judge("2013-02-28", "WARN", refused=6)
    monitor_partition(world.workspace, world.usecase, "2013-02-28", world.run)
    found = measures(world, "2013-02-28")["quarantine_rate", 1, "dataset", "deliveries"]
    assert (found["value"], found["is_alert"]) == (pytest.approx(6 / 30), True)
    world.judge("2013-02-28", "PASS", refused=0)
    monitor_partition(world.workspace, world.usecase, "2013-02-28", world.run)
    entries = world.workspace.ledger.entries("parcels", kind="health", subject="quarantine_rate:deliveries")
    assert [entry.decision for entry in entries] == ["ALERT", "CLEARED"]


def test_a_day_that_its_source_never_delivered_is_not_waited_for(world_of):
    """A refused day has no outcomes, features or predictions; its successors are measured without it."""
    world = world_of("binary", refused=("2013-02-05",))
    assert world.lake.contents("predictions", ["2013-02-05"])["2013-02-05"] is None
    assert monitor_partition(world.workspace, world.usecase, "2013-02-06", world.run).status == "published"
    assert measures(world, "2013-02-06")["label_mean", 7, "", ""]["rows"] == 5 * 23


def test_regression_is_measured_by_its_errors(world_of):
    """A regression has errors in the label's unit and no ranking."""
    world = world_of("regression")
    monitor_partition(world.workspace, world.usecase, "2013-02-28", world.run)
    found = measures(world, "2013-02-28")
    rows = world.lake.read("arrivals", ["2013-02-28"]).to_pylist()
    scores = {row["entity"]: row["score"] for row in world.lake.read("predictions", ["2013-02-28"]).to_pylist()}
    errors = [abs(scores[row["parcel"]] - row["delay_min"]) for row in rows if row["delay_min"] is not None]
    assert found["mae", 1, "", ""]["value"] == pytest.approx(sum(errors) / len(errors))
    assert not any(key[0] == "roc_auc" for key in found)


def test_a_scored_day_is_measured_before_its_labels_and_again_when_they_come(world_of):
    """Without labels a day has what the scores promise and no realised metric; with them both, and the gap between."""
    day = "2013-02-28"
    world = world_of("binary", unlabelled=(day,))
    assert monitor_partition(world.workspace, world.usecase, day, world.run).partitions == (day,)
    before = measures(world, day)
    scores = [row["score"] for row in world.lake.read("predictions", [day]).to_pylist()]
    promised = sum(p * (1 - p) for p in scores) / len(scores)
    assert before["estimated_brier", 1, "", ""]["value"] == pytest.approx(promised)
    assert before["estimated_brier", 1, "", ""]["low"] < promised < before["estimated_brier", 1, "", ""]["high"]
    assert not {"brier", "label_mean", "brier_gap"} & {key[0] for key in before if key[1] == 1}
    assert (before["outcome_share", 1, "", ""]["value"], before["unlabelled_days", 7, "", ""]["value"]) == (0.0, 1.0)
    # The six days before have labels: the window rests on them alone.
    assert before["brier", 7, "", ""]["rows"] == 6 * 23
    assert monitor_partition(world.workspace, world.usecase, day, world.run).status == "unchanged"

    rows = [row | {"partition": day} for row in world.rows(day)]
    world.put("arrivals", rows, [day])
    assert monitor_partition(world.workspace, world.usecase, day, world.run).partitions == (day,)
    after = measures(world, day)
    assert after["estimated_brier", 1, "", ""] == before["estimated_brier", 1, "", ""]
    labelled = {row["parcel"]: row["delay_min"] > 15 for row in rows if row["delay_min"] is not None}
    pairs = {row["entity"]: row["score"] for row in world.lake.read("predictions", [day]).to_pylist()}
    own = [pairs[key] * (1 - pairs[key]) - (pairs[key] - is_late) ** 2 for key, is_late in labelled.items()]
    assert after["brier_gap", 1, "", ""]["value"] == pytest.approx(sum(own) / len(own))
    assert after["unlabelled_days", 7, "", ""]["value"] == 0.0


def test_labels_that_may_still_change_are_no_labels(world_of):
    """What streams told of a day so far is measured as a day without labels."""
    day = "2013-02-28"
    world = world_of("binary", unlabelled=(day,))
    table = pa.Table.from_pylist(
        [{name: row[name] for name in ("partition", "parcel", "known_at", "delay_min")} for row in world.rows(day)],
        schema=arrow_schema(world.lake.tables["arrivals"]),
    )
    world.lake.overwrite("arrivals", table, run=world.run, partitions=[day], standing="provisional")
    monitor_partition(world.workspace, world.usecase, day, world.run)
    assert measures(world, day)["outcome_share", 1, "", ""]["value"] == 0.0
    assert ("brier", 1, "", "") not in measures(world, day)


def test_nothing_is_promised_of_a_regression(world_of):
    """Its scores say nothing of their error: no estimate is invented."""
    world = world_of("regression")
    monitor_partition(world.workspace, world.usecase, "2013-02-28", world.run)
    assert not any(key[0].startswith("estimated") or (key[0].endswith("_gap") and key[0] != "calibration_gap")
                   for key in measures(world, "2013-02-28"))  # fmt: skip
