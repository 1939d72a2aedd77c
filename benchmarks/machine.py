"""The machine and the versions that a result was measured on, and the tables results are written to."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[1]
RESULTS = Path(__file__).parent / "out"
PACKAGES = (
    "apache-airflow",
    "deltalake",
    "duckdb",
    "great-expectations",
    "mlflow",
    "pandas",
    "pyarrow",
    "scikit-learn",
)


def describe() -> str:
    """Return one line about the machine and one about the versions."""
    memory_gib = psutil.virtual_memory().total / 2**30
    versions = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    return (
        f"{os.cpu_count()} cores, {memory_gib:.0f} GiB, {platform.system()} {platform.machine()}, "
        f"Python {platform.python_version()}\n\n{versions}"
    )


def table(header: list[str], rows: list[list[object]]) -> str:
    """Return a Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def write(name: str, title: str, body: str) -> Path:
    """Write a result page and return its path."""
    RESULTS.mkdir(exist_ok=True)
    page = RESULTS / f"{name}.md"
    page.write_text(f"## {title}\n\n{describe()}\n\n{body}\n", encoding="utf-8")
    return page
