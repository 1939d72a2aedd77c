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
from catena.lake import identity_of
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
class TrainingSet:
    """Labelled rows up to a cut, parted in time.

    Attributes:
        train: rows to fit on; their labels were known at the first decision of the holdout.
        purged: rows before the holdout whose labels became known only later: neither fitted on nor judged on.
        holdout: the last days of the period, in time order.
        identity: of the rows and their split; equal rows give equal numbers.
    """

    train: pd.DataFrame
    purged: pd.DataFrame
    holdout: pd.DataFrame
    identity: int

    @property
    def rows(self) -> int:
        """All labelled rows known at the cut."""
        return len(self.train) + len(self.purged) + len(self.holdout)


def labelled_rows(features: pa.Table, outcomes: pa.Table, label: Label, cut: datetime) -> pd.DataFrame:
    """Return the rows whose decision and label were both known at the cut, ordered by decision.

    Args:
        features: rows of the feature table, with `partition`, `entity` and `decision_at`.
        outcomes: rows of the label's table.
        label: its declaration; rows with a null label are left out.
        cut: the instant of training, an aware datetime.
    """
    sql = _LABELLED.format(entity=label.entity, expression=label.expression, known_at=label.known_at)
    with sql_over({"features": features, "outcomes": outcomes}) as connection:
        # Arrow, not DuckDB's own pandas: types follow from the schema, whatever the rows.
        found: pa.Table = connection.sql(sql).to_arrow_table()
    # Instants are compared here, not in SQL, which would ask for DuckDB's time zone extension.
    at = pa.scalar(cut, pa.timestamp("us", tz="UTC"))
    is_known = pc.and_(pc.less_equal(found["label_known_at"], at), pc.less_equal(found["decision_at"], at))
    return pd.DataFrame(found.filter(is_known).to_pandas())


def split_in_time(rows: pd.DataFrame, last_day: str, validation_days: int) -> TrainingSet:
    """Return the rows as train, purge and holdout; nothing in `train` was known after the holdout's first decision.

    Args:
        rows: from `labelled_rows`.
        last_day: last day of the training period.
        validation_days: number of calendar days, up to and with `last_day`, that are held out.
    """
    first_held = shift_day(last_day, 1 - validation_days)
    is_held = rows["partition"] >= first_held
    holdout, before = rows[is_held], rows[~is_held]
    # Without a row in the holdout its first day's midnight stands for its first decision.
    midnight = pd.Timestamp(day_key(parse_day(first_held)), tz="UTC")
    first_decision = holdout["decision_at"].min() if len(holdout) else midnight
    is_known = before["label_known_at"] <= first_decision
    train, purged = before[is_known], before[~is_known]
    parts = {name: _digest(part) for name, part in (("train", train), ("purged", purged), ("holdout", holdout))}
    return TrainingSet(
        train.reset_index(drop=True), purged.reset_index(drop=True), holdout.reset_index(drop=True), identity_of(parts)
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


def _digest(rows: pd.DataFrame) -> list[int]:
    """Return number and content digest of rows, the same in every process."""
    hashed = pd.util.hash_pandas_object(rows, index=False).to_numpy()
    return [len(rows), identity_of(hashed.tobytes().hex())]
