"""Will this flight arrive more than 15 minutes late? Asked one hour before departure from New York."""

from __future__ import annotations

from pathlib import Path

from catena.declaration import Calendar, Gate, Serving, UseCase
from usecases.flight_delays.datasets import DATASETS
from usecases.flight_delays.features import FEATURES, FEATURES_TABLE, LABEL
from usecases.flight_delays.model import MODEL
from usecases.flight_delays.proof import PROOF
from usecases.flight_delays.report import MONITORING, REPORT
from usecases.flight_delays.search import SEARCH
from usecases.flight_delays.selection import SELECTION
from usecases.flight_delays.streams import STREAMS
from usecases.flight_delays.tables import TABLES

USECASE = UseCase(
    name="flight_delays",
    title="Flight delays out of New York",
    question="Will this flight arrive more than 15 minutes late, asked one hour before its scheduled departure?",
    owner="data-engineer",
    timezone="America/New_York",
    calendar=Calendar(first="2013-01-01", last="2013-12-31"),
    tables=(*TABLES, FEATURES_TABLE),
    datasets=DATASETS,
    features=FEATURES,
    label=LABEL,
    model=MODEL,
    search=SEARCH,
    # Chosen by the year's decisions and by power: docs/decisions/010-promotion-gate.md.
    gate=Gate(
        metric="roc_auc",
        refresh_margin=0.02,
        slice_margin=0.05,
        maximum_ece=0.10,
        maximum_scoring_ms=5000,
        maximum_size_mb=20,
        maximum_quarantined_share=0.02,
        maximum_failed_days=5,
    ),
    # No canary: docs/decisions/020-shadow-and-canary.md.
    serving=Serving(shadow=True),
    monitoring=MONITORING,
    report=REPORT,
    proof=PROOF,
    feature_tests=("tests/unit/features/test_flight_features.py", "tests/unit/features/test_flight_declaration.py"),
    selection=SELECTION,
    exporter="usecases.flight_delays.upstream:export",
    streams=STREAMS,
    history="usecases.flight_delays.history:history",
    folder=Path(__file__).parent,
)
