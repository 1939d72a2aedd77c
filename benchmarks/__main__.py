"""Runs the benchmarks named on the command line, or all of them, and puts their tables into docs/benchmarks.md."""

from __future__ import annotations

import argparse
import re
import signal
import sys
from pathlib import Path

from benchmarks import cascade, etl, kafka_trigger, model_life, streams, streams_scheduled
from benchmarks.machine import RESULTS

ALL = {
    "cold_start": cascade.cold_start,
    "demo": cascade.demo,
    "year": cascade.year,
    "workers": cascade.workers,
    "etl": etl.measure,
    "model_life": model_life.measure,
    "streams": streams.measure,
    "streams_scheduled": streams_scheduled.measure,
    "kafka_trigger": kafka_trigger.measure,
}
PAGE = Path(__file__).resolve().parents[1] / "docs" / "benchmarks.md"


def main() -> None:
    """Run, and replace the sections of the page that were measured."""
    # Asked to end, it stops what it started, as it does when it is interrupted.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*ALL, []], help="benchmarks to run; none runs all")
    for name in parser.parse_args().names or list(ALL):
        ALL[name]()
        section = (RESULTS / f"{name}.md").read_text(encoding="utf-8")
        PAGE.write_text(with_section(PAGE.read_text(encoding="utf-8"), section), encoding="utf-8")


def with_section(page: str, section: str) -> str:
    """Return the page with the section in the place of the one of the same heading, or at the end."""
    heading = section.partition("\n")[0]
    parts = re.split(r"(?m)^(?=## )", page)
    place = next((n for n, part in enumerate(parts) if part.partition("\n")[0] == heading), None)
    if place is None:
        return f"{page.rstrip()}\n\n{section}"
    parts[place] = section if place == len(parts) - 1 else f"{section.rstrip()}\n\n"
    return "".join(parts)


if __name__ == "__main__":
    main()
