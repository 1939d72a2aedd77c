"""Training sets hold nothing from the future: labels known at the cut, parts in the order of time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.ensemble import HistGradientBoostingClassifier

from catena.declaration import Label
from catena.modeling.dataset import labelled_rows, split_in_time
from catena.modeling.metrics import binary_metrics
from catena.partitions import days_of_month

LABEL = Label(table="o", entity="entity", expression="late", description="d", unit="probability")
START = datetime(2024, 1, 1, tzinfo=UTC)
UTC_US = pa.timestamp("us", tz="UTC")


def tables(delays_h):
    """Return features and outcomes, one row an hour; row n becomes known `delays_h[n]` hours after its decision."""
    at = [START + timedelta(hours=n) for n in range(len(delays_h))]
    keys = {"partition": [f"{item:%Y-%m-%d}" for item in at], "entity": [str(n) for n in range(len(at))]}
    features = pa.table({**keys, "decision_at": pa.array(at, UTC_US)})
    known = [item + timedelta(hours=hours) for item, hours in zip(at, delays_h, strict=True)]
    return features, pa.table({**keys, "late": [n % 2 for n in range(len(at))], "known_at": pa.array(known, UTC_US)})


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 400), min_size=200, max_size=31 * 24), st.integers(100, 31 * 24))
def test_nothing_that_was_unknown_at_the_cut_or_at_the_first_held_decision(delays_h, cut_h):
    """Labels known after the cut are in no part; labels known after the first held decision are in no training row."""
    cut = START + timedelta(hours=cut_h)
    data = split_in_time(labelled_rows(*tables(delays_h), LABEL, cut), "2024-01-31", 7)
    for part in (data.train, data.purged, data.holdout):
        assert (part["label_known_at"] <= cut).all()
        assert (part["decision_at"] <= cut).all()
    expected = sum(n <= cut_h and n + hours <= cut_h for n, hours in enumerate(delays_h))
    assert data.rows == expected
    if len(data.holdout):
        first = data.holdout["decision_at"].min()
        assert (data.train["label_known_at"] <= first).all()
        assert (data.purged["label_known_at"] > first).all()
    assert set(data.holdout["partition"]) <= set(days_of_month("2024-01")[-7:])


def test_the_order_of_rows_does_not_change_the_set():
    """The same rows in another order are the same set, with the same identity; another label is another one."""
    features, outcomes = tables([1] * 700)
    order = np.random.default_rng(0).permutation(700)
    cut = START + timedelta(days=31)
    one = split_in_time(labelled_rows(features, outcomes, LABEL, cut), "2024-01-31", 7)
    other = split_in_time(labelled_rows(features.take(order), outcomes.take(order[::-1]), LABEL, cut), "2024-01-31", 7)
    assert one.identity == other.identity
    pd.testing.assert_frame_equal(one.train, other.train)
    flipped = outcomes.set_column(2, "late", pa.array([1 - n % 2 for n in range(700)]))
    assert split_in_time(labelled_rows(features, flipped, LABEL, cut), "2024-01-31", 7).identity != one.identity


def test_a_random_split_would_flatter():
    """Days share a fate: rows of the same day on both sides of a split leak it; the split in time does not."""
    chance = np.random.default_rng(7)
    day = np.repeat(np.arange(31), 100)
    fate = chance.random(31)[day]
    frame = pd.DataFrame({"trace": day + 0.0, "noise": chance.random(len(day))})
    label = (chance.random(len(day)) < fate).astype(int)

    def auc(train):
        trees = HistGradientBoostingClassifier(max_iter=40, random_state=0).fit(frame[train], label[train])
        return binary_metrics(label[~train], trees.predict_proba(frame[~train])[:, 1])["roc_auc"]

    in_time, at_random = auc(day < 24), auc(chance.random(len(day)) < 24 / 31)
    assert at_random > 0.7
    assert in_time == pytest.approx(0.5, abs=0.08)


def test_what_is_known_only_afterwards_is_no_declared_feature():
    """No outcome column (air time, arrival, departure delay of the flight itself) is among the model's features."""
    from usecases.flight_delays.features import FEATURES_TABLE
    from usecases.flight_delays.model import MODEL
    from usecases.flight_delays.tables import OUTCOMES, SCHEDULE

    afterwards = {column.name for column in OUTCOMES.columns} - {column.name for column in SCHEDULE.columns}
    assert afterwards >= {"air_time_min", "arrival_delay_min", "departure_delay_min"}
    assert not afterwards & set(MODEL.features)
    assert set(MODEL.features) <= {column.name for column in FEATURES_TABLE.columns}


def test_purge_and_embargo_by_hand():
    """Ten days, one row a day at noon, label known after 24 h: of days 1 to 10 the last 3 are held out.

    The first held decision is on day 8 at noon. The label of day 7 is known then, to the second, so nothing is purged;
    an embargo of two days takes days 6 and 7. Where labels take 72 h, those of days 6 and 7 are purged anyway: an
    embargo of one day takes nothing more, one of three takes day 5.
    """
    expected = {(24, 0): 7, (24, 2): 5, (72, 0): 5, (72, 1): 5, (72, 3): 4}
    for (hours, embargo), trained in expected.items():
        at = [START + timedelta(days=n, hours=12) for n in range(10)]
        keys = {"partition": [f"{item:%Y-%m-%d}" for item in at], "entity": [str(n) for n in range(10)]}
        known = pa.array([item + timedelta(hours=hours) for item in at], UTC_US)
        features = pa.table({**keys, "decision_at": pa.array(at, UTC_US)})
        outcomes = pa.table({**keys, "late": [0, 1] * 5, "known_at": known})
        rows = labelled_rows(features, outcomes, LABEL, START + timedelta(days=20))
        data = split_in_time(rows, "2024-01-10", 3, embargo)
        assert data.train["entity"].tolist() == [str(n) for n in range(trained)]
        assert data.purged["entity"].tolist() == [str(n) for n in range(trained, 7)]
        assert data.holdout["entity"].tolist() == ["7", "8", "9"]
        assert data.boundaries.first_embargoed_day == f"2024-01-{8 - embargo:02d}"
        assert data.boundaries.known_by == "2024-01-08T12:00:00+00:00"
