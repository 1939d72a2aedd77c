"""Runs the benchmarks named on the command line, or all of them, and gathers their tables in docs/benchmarks.md."""

from __future__ import annotations

import argparse
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
    """Run, then write the page from the newest result of each benchmark."""
    # Asked to end, it stops what it started, as it does when it is interrupted.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*ALL, []], help="benchmarks to run; none runs all")
    for name in parser.parse_args().names or list(ALL):
        ALL[name]()
    pages = [page.read_text(encoding="utf-8") for name in ALL if (page := RESULTS / f"{name}.md").exists()]
    text = "# Benchmarks\n\n`make bench` measures these anew; the tables here are its last result.\n\n" + "\n".join(
        pages
    )
    PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
