"""What evidence costs: training, decision, proof, explanation, replay and search, in units of a plain fit.

The unit is scikit-learn's own fit of the declared pipeline on the rows of January and February, measured before and
after all else in the same process; CPU seconds of this process, without those of PostgreSQL.
"""

from __future__ import annotations

import socket
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.etl import timed
from benchmarks.machine import table, write
from catena.backtest.ground import make_registry
from catena.backtest.tables import with_tables
from catena.chain.deciding.promote import promote_candidate
from catena.chain.deploying.versions import version_of
from catena.chain.exploring.explore import explore
from catena.chain.proving.card import issue_cards
from catena.chain.scoring.score import score_partition
from catena.chain.training.replay import replay_version
from catena.chain.training.search import search_in_process
from catena.chain.training.snapshots import open_snapshot, snapshot_entries
from catena.chain.training.train import train_candidate
from catena.chain.training.training_data import open_registry
from catena.chain.watching.monitor import monitor_partition
from catena.declaration import UseCase
from catena.declared import declared_usecase
from catena.modeling.dataset import model_frame
from catena.modeling.explanation import contributions
from catena.modeling.train import pipeline_for
from catena.partitions import days_of_period
from catena.platform import installation, postgres, processes
from catena.registry.trusted_types import trusted_types
from catena.run import Run
from catena.settings import Settings
from catena.workspace import Workspace

FIRST, LAST = "2013-01-01", "2013-02-28"
BEFORE, MONTH = "2013-01", "2013-02"
_REFERENCES = 50
_REPEATS = 20


def measure() -> None:
    """Live through two months, time each step of the second, and write the table."""
    with tempfile.TemporaryDirectory(prefix="catena-life-") as folder:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        server = Settings(_env_file=None, home=Path(folder), postgres_port=port)
        installation.start_postgres(server)
        try:
            postgres.create_databases(server)
            rows = _measured(server, Path(folder) / "work")
        finally:
            processes.stop(server, ["postgres"])
    body = table(["what", "CPU s", "times a plain fit"], rows)
    print(body)
    print(write("model_life", "What evidence costs", body))


def _measured(server: Settings, work: Path) -> list[list[object]]:
    work.mkdir()
    declared = declared_usecase("flight_delays")
    calendar = declared.calendar.model_copy(update={"first": FIRST, "last": LAST})
    usecase = declared.model_copy(update={"calendar": calendar})
    real = Workspace(server)
    real.ledger.create()
    make_registry(server, work, usecase.name)
    there = with_tables(real, usecase, work, print)
    run = Run(usecase.name, "train", "benchmark")
    # With February in its calendar the first training would make both.
    january = usecase.model_copy(update={"calendar": calendar.model_copy(update={"last": days_of_period(BEFORE)[-1]})})
    train_candidate(there, january, BEFORE, run)
    promote_candidate(there, usecase, BEFORE, run)
    score_partition(there, usecase, MONTH, run)
    monitor_partition(there, usecase, MONTH, run)
    spent: dict[str, float] = {}
    spent["training: snapshot, baseline, fit, judgement, registration"] = _cpu(train_candidate, there, usecase, run)
    version, fit = _plain_fit(there, usecase)
    before = _fastest(fit)
    spent["decision: comparison by day and slice, rehearsal, verdict"] = _cpu(promote_candidate, there, usecase, run)
    spent["card: proof, behaviour, importance, fairness, plots; of two versions"] = _cpu(
        issue_cards, there, usecase, run
    )
    spent["replay: built again and compared bit for bit"] = timed(lambda: replay_version(there, usecase, version))[1]
    spent["exploration of the month, page included"] = _cpu(explore, there, usecase, run)
    spent[f"one prediction taken apart ({_REFERENCES} references)"] = _explanation(there, usecase, version)
    spent["search: three families, confirmation"] = _cpu(search_in_process, there, usecase, run)
    unit = (before + _fastest(fit)) / 2
    return [
        ["plain fit of the pipeline", f"{unit:.2f}", "1.0"],
        *([what, f"{cpu:.2f}", f"{cpu / unit:.2f}" if cpu < unit / 10 else f"{cpu / unit:.1f}"]
          for what, cpu in spent.items()),
    ]  # fmt: skip


def _cpu(link: Callable[..., Any], there: Workspace, usecase: UseCase, run: Run) -> float:
    """Return the CPU seconds of a link's work for the month; that it had nothing to do would be no measurement."""
    outcomes: list[Any] = []
    spent = timed(lambda: outcomes.append(link(there, usecase, MONTH, run)))[1]
    if outcomes[0].status != "published":
        raise RuntimeError(f"nothing was done: {outcomes[0].reason}")
    return spent


def _plain_fit(there: Workspace, usecase: UseCase) -> tuple[str, Callable[[], object]]:
    """Return the month's version, and scikit-learn's fit of the same pipeline on the same rows."""
    lake = there.lake(usecase)
    entry = snapshot_entries(there.ledger, usecase)[-1]
    rows = open_snapshot(lake, there.ledger, usecase, entry.subject).data.train
    frame, label = model_frame(rows, usecase.model), rows["label"].to_numpy()
    last = there.ledger.entries(usecase.name, kind="candidate", subject="model")[-1]
    return str(last.payload["model_version"]), lambda: pipeline_for(usecase.model).fit(frame, label)


def _fastest(work: Callable[[], object]) -> float:
    return min(timed(work)[1] for _ in range(3))


def _explanation(there: Workspace, usecase: UseCase, version: str) -> float:
    """Return the mean CPU seconds of an explanation of one row."""
    sha256 = version_of(there, usecase, version).sha256
    estimator = open_registry(there.settings).load(version, sha256, trusted_types(usecase.model))
    name = snapshot_entries(there.ledger, usecase)[-1].subject
    data = open_snapshot(there.lake(usecase), there.ledger, usecase, name).data
    held, references = (model_frame(rows, usecase.model) for rows in (data.holdout, data.train.head(_REFERENCES)))

    def explain() -> None:
        for place in range(_REPEATS):
            contributions(lambda frame: estimator.predict_proba(frame)[:, 1], held.iloc[[place]], references, seed=1)

    return timed(explain)[1] / _REPEATS
