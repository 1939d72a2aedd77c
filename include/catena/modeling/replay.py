"""Whether a model that was built again is the one on record: dataset, parameters, predictions, bit for bit. Pure.

Building it again belongs in `catena.chain.training.replay`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from catena.lake import content_digests
from catena.modeling.dataset import TrainingSet
from catena.modeling.snapshot import Day, SnapshotRecord
from catena.modeling.state import parameters_digest, scores_digest, state_differences

Numbers = npt.NDArray[np.float64]
_NAMED = 10


@dataclass(frozen=True)
class Check:
    """One comparison.

    Attributes:
        recorded: digest on record.
        replayed: digest of what was made again; empty where it could not be made.
        differences: in words, what differs and where; empty where nothing does.
    """

    what: Literal["dataset", "parameters", "predictions"]
    recorded: str
    replayed: str
    differences: tuple[str, ...] = ()

    @property
    def verdict(self) -> Literal["EQUAL", "DIFFERENT"]:
        """Whether both are the same."""
        return "EQUAL" if self.recorded == self.replayed else "DIFFERENT"


def differing_days(days: Mapping[str, Day], there: Mapping[str, pa.Table]) -> list[str]:
    """Return the days whose rows are not those on record."""
    digests = {day: content_digests({day: rows})[day] for day, rows in there.items()}
    return [day for day, kept in days.items() if digests.get(day) != kept.sha256]


def compare_dataset(
    record: SnapshotRecord, there: Mapping[str, pa.Table], data: TrainingSet, rows_said: Mapping[str, str]
) -> Check:
    """Return whether rows are those of a snapshot, and are parted as it was.

    Args:
        record: of the snapshot.
        there: rows of each day; days whose rows are gone are left out.
        data: the same rows, parted.
        rows_said: what is known about which rows of a day differ.
    """
    said = []
    for day in differing_days(record.days, there):
        found = f"{there[day].num_rows} are there, with other values" if day in there else "none is there"
        said.append(f"{day}: {record.days[day].rows} rows are on record, {found}. {rows_said.get(day, '')}".strip())
    for name, part in record.parts.items():
        if part.sha256 != data.digests[name]:
            said.append(f"{name}: {part.rows} rows are on record, {len(data.parts[name])} were parted so, or others")
    recorded = content_of({name: part.sha256 for name, part in record.parts.items()})
    return Check("dataset", recorded, content_of(data.digests), tuple(said))


def content_of(parts: Mapping[str, str]) -> str:
    """Return one digest for the digests of train, purged and holdout."""
    return parameters_digest(dict(parts))


def compare_parameters(recorded: str | None, stored: Mapping[str, str], rebuilt: Mapping[str, str]) -> Check:
    """Return whether an estimator's state is that on record.

    Args:
        recorded: digest that was recorded at training; None where none was: then the registered file speaks.
        stored: state of the estimator in the registered file.
        rebuilt: state of the one that was fitted again.
    """
    before, now = recorded or parameters_digest(stored), parameters_digest(rebuilt)
    if before == now:
        return Check("parameters", before, now)
    said = state_differences(stored, rebuilt) or [
        "the registered file reads like the model built again: another release recorded its digest otherwise"
    ]
    return Check("parameters", before, now, _shortened(said))


def compare_predictions(recorded: str | None, stored: Numbers, rebuilt: Numbers, entities: Sequence[Any]) -> Check:
    """Return whether scores of the holdout are those on record, and by how much and where they are not.

    Args:
        recorded: digest that was recorded at training; None where none was: then the registered file speaks.
        stored: scores that the estimator in the registered file gives here.
        rebuilt: scores of the one that was fitted again.
        entities: names of the rows.
    """
    before, now = recorded or scores_digest(stored), scores_digest(rebuilt)
    if before == now:
        return Check("predictions", before, now)
    said = []
    if before != scores_digest(stored):
        said.append("the registered file itself, read here, does not give the scores that were recorded")
    if (places := np.flatnonzero(stored != rebuilt)).size:
        largest = float(np.max(np.abs(stored - rebuilt)))
        named = ", ".join(str(entities[at]) for at in places[:3])
        said.append(f"{places.size} of {len(stored)} scores differ, by at most {largest:.3g}; the first: {named}")
    return Check("predictions", before, now, tuple(said))


def not_rebuilt(what: Literal["parameters", "predictions"], recorded: str, why: str) -> Check:
    """Return the comparison with what could not be made again."""
    return Check(what, recorded, "", (why,))


def environment_differences(recorded: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """Return what of Python, libraries, lock files and machine is not as it was at training."""
    names = dict.fromkeys([*recorded, *now])
    return [
        f"{name}: {_short(recorded.get(name))} -> {_short(now.get(name))}"
        for name in names
        if recorded.get(name) != now.get(name)
    ]


def _short(value: str | None) -> str:
    return "none" if value is None else value[:12]


def _shortened(said: list[str]) -> tuple[str, ...]:
    more = [f"and {len(said) - _NAMED} more"] if len(said) > _NAMED else []
    return (*said[:_NAMED], *more)
