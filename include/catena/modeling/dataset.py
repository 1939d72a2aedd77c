"""Training sets: features joined with the labels that were known at the cut, split in the order of time.

Reading the tables at their pinned versions belongs in `catena.chain`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from catena.arrow_sql import sql_over
from catena.declaration import Label, Model
from catena.lake import content_digests, identity_of
from catena.modeling.errors import TooFewRows
from catena.partitions import day_key, parse_day, shift_day

# What a missing category reads, so that every estimator can take it for a value.
MISSING = "(none)"
_LABELLED = """
SELECT features.*, CAST(labels.label AS DOUBLE) AS label, labels.known_at AS label_known_at
FROM features
JOIN (
    SELECT partition, CAST({entity} AS VARCHAR) AS entity, ({expression}) AS label, {known_at} AS known_at
    FROM outcomes
) AS labels ON labels.partition = features.partition AND labels.entity = features.entity
WHERE labels.label IS NOT NULL
ORDER BY features.decision_at, features.partition, features.entity
"""


@dataclass(frozen=True)
class Boundaries:
    """Where a period is parted, as days and instants.

    Attributes:
        first_held_day: first day of the holdout.
        last_day: its last day, and that of the period.
        validation_days: days of the holdout.
        embargo_days: days before the holdout that are left out, whenever their labels became known.
        first_embargoed_day: the first of them; without an embargo the first day of the holdout.
        known_by: the first decision of the holdout, as ISO 8601: labels that became known later are purged.
    """

    first_held_day: str
    last_day: str
    validation_days: int
    embargo_days: int
    first_embargoed_day: str
    known_by: str


@dataclass(frozen=True)
class TrainingSet:
    """Labelled rows up to a cut, parted in time.

    Attributes:
        train: rows to fit on; their labels were known at the first decision of the holdout.
        purged: rows before the holdout whose labels became known only later, or that lie in the embargo: neither
            fitted on nor judged on.
        holdout: the last days of the period, in time order.
        identity: of the rows and their split; equal rows give equal numbers.
        boundaries: where they were parted.
        digests: SHA-256 of the rows of each part.
    """

    train: pd.DataFrame
    purged: pd.DataFrame
    holdout: pd.DataFrame
    identity: int
    boundaries: Boundaries
    digests: dict[str, str]

    @property
    def rows(self) -> int:
        """All labelled rows known at the cut."""
        return len(self.train) + len(self.purged) + len(self.holdout)

    @property
    def parts(self) -> dict[str, pd.DataFrame]:
        """The parts by name."""
        return {"train": self.train, "purged": self.purged, "holdout": self.holdout}


def labelled_rows(features: pa.Table, outcomes: pa.Table, label: Label, cut: datetime) -> pa.Table:
    """Return the rows whose decision and label were both known at the cut, ordered by decision.

    Args:
        features: rows of the feature table, with `partition`, `entity` and `decision_at`.
        outcomes: rows of the label's table.
        label: its declaration; rows with a null label are left out.
        cut: the instant of training, an aware datetime.
    """
    sql = _LABELLED.format(entity=label.entity, expression=label.expression, known_at=label.known_at)
    with sql_over({"features": features, "outcomes": outcomes}) as connection:
        found: pa.Table = connection.sql(sql).to_arrow_table()
    # Instants are compared here, not in SQL, which would ask for DuckDB's time zone extension.
    at = pa.scalar(cut, pa.timestamp("us", tz="UTC"))
    is_known = pc.and_(pc.less_equal(found["label_known_at"], at), pc.less_equal(found["decision_at"], at))
    return found.filter(is_known)


def split_in_time(rows: pa.Table, last_day: str, validation_days: int, embargo_days: int = 0) -> TrainingSet:
    """Return the rows as train, purge and holdout; nothing in `train` was known after the holdout's first decision.

    Args:
        rows: from `labelled_rows`, in their order.
        last_day: last day of the training period.
        validation_days: number of calendar days, up to and with `last_day`, that are held out.
        embargo_days: number of calendar days before them that are left out.
    """
    first_held = shift_day(last_day, 1 - validation_days)
    first_embargoed = shift_day(first_held, -embargo_days)
    # Arrow's pandas, not DuckDB's own: types follow from the schema and all rows, so that no part has types of its own.
    frame = pd.DataFrame(rows.to_pandas())
    is_held = (frame["partition"] >= first_held).to_numpy()
    # Without a row in the holdout its first day's midnight stands for its first decision.
    midnight = pd.Timestamp(day_key(parse_day(first_held)), tz="UTC")
    known_by = frame["decision_at"][is_held].min() if is_held.any() else midnight
    is_known = (frame["label_known_at"] <= known_by).to_numpy()
    is_trained = ~is_held & is_known & (frame["partition"] < first_embargoed).to_numpy()
    places = {"train": is_trained, "purged": ~is_held & ~is_trained, "holdout": is_held}
    digests = content_digests({name: rows.filter(pa.array(is_in)) for name, is_in in places.items()})
    parts = {name: frame[is_in].reset_index(drop=True) for name, is_in in places.items()}
    counted = {name: [len(part), digests[name]] for name, part in parts.items()}
    return TrainingSet(
        **parts,
        identity=identity_of(counted),
        boundaries=Boundaries(
            first_held, last_day, validation_days, embargo_days, first_embargoed, pd.Timestamp(known_by).isoformat()
        ),
        digests=digests,
    )


def require_rows(rows: pd.DataFrame, minimum: int, what: str) -> None:
    """Refuse a frame that is too small to learn from or to judge on.

    Raises:
        TooFewRows: with both numbers.
    """
    if len(rows) < minimum:
        raise TooFewRows(f"{what} has {len(rows)} labelled rows, but at least {minimum} are declared as needed")


def model_frame(rows: pd.DataFrame, model: Model) -> pd.DataFrame:
    """Return the model's columns in declared order: numbers as float64, categories as text.

    Text is kept as plain objects: what scikit-learn stores of it must be readable by skops.
    """
    numbers = {name: pd.to_numeric(rows[name]).astype("float64") for name in model.numeric}
    texts = {name: rows[name].astype(object).where(rows[name].notna(), MISSING).map(str) for name in model.categorical}
    frame = pd.DataFrame({**numbers, **{name: text.astype(object) for name, text in texts.items()}}, index=rows.index)
    return frame[list(model.features)]
