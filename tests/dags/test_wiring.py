"""The wiring as a text that a person can read and a review can see change."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

STREAMING = ("flight_delays.stream", "flight_delays.reconcile")

GUARDING = re.compile(r"^  task   (?:check_guard|raise_alarms).*\n(?:           ->.*\n)+", re.MULTILINE)


def test_wiring_is_as_recorded(airflow_view: dict[str, Any]) -> None:
    """DAGs, schedules, tasks and assets change only together with the recorded text.

    To accept a change: `python tests/dags/describe_dags.py dags flight_delays platform > tests/dags/wiring.txt`.
    """
    recorded = Path(__file__).with_name("wiring.txt").read_text(encoding="utf-8")
    assert "\n".join(airflow_view["wiring"][name] for name in ("flight_delays", "platform")) == recorded


def test_each_use_case_is_wired_alike(airflow_view: dict[str, Any]) -> None:
    """Links are wired in one way: use cases differ in their datasets, tables, streams, guard and alarms only."""
    without_tables = {}
    for usecase, text in airflow_view["wiring"].items():
        if usecase == "platform":
            continue
        links = [link for link in GUARDING.sub("", text).split("\n\n") if not link.startswith(STREAMING)]
        lines = [line.replace(usecase, "X") for line in "\n".join(links).splitlines() if "task   " not in line]
        without_tables[usecase] = [
            line
            for line in lines
            if line.startswith("  runs")
            or line.endswith(
                ("X.train", "X.promote", "X.score", "X.monitor", "X.report", "/candidate", "/champion", "/predictions")
            )
        ]
    first, *others = without_tables.values()
    assert all(other == first for other in others)
