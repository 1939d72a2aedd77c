"""The real chain under the real scheduler: the three-month demo, a whole year, and what warm workers are worth."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from pathlib import Path

from benchmarks.installation import Installation, Usage, installation, watched
from benchmarks.machine import table, write

ROOT = Path(__file__).resolve().parents[1]
# A backfill of this many days is enough for a steady rate of tasks, and short enough to repeat.
SHORT = ("2013-01-01", "2013-01-14")


def demo() -> None:
    """Measure the three-month demo of the flights."""
    _whole("demo", "The demo: three months of flights", "2013-01-01", "2013-03-31")


def year() -> None:
    """Measure all of 2013: 365 days, 12 trainings."""
    _whole("year", "A whole year of flights by backfill", "2013-01-01", "2013-12-31")


def _whole(name: str, title: str, first: str, last: str) -> None:
    with tempfile.TemporaryDirectory() as folder, installation(Path(folder) / "home") as made:
        up = made.catena("up")
        with watched(made) as usage:
            wall = made.catena("demo", "--from", first, "--to", last)
        count, span, links = made.task_runs()
        body = "\n\n".join(
            (
                table(
                    ["what", "measured"],
                    [
                        ["`catena up`, s", f"{up:.0f}"],
                        ["export, backfill and the whole cascade, s", f"{wall:.0f}"],
                        ["task runs", count],
                        ["wall seconds per task run", f"{span / count:.2f}"],
                    ],
                ),
                table(
                    ["link", "task runs", "mean seconds of a task"],
                    [[link, runs, f"{mean:.2f}"] for link, (runs, mean) in links.items()],
                ),
                _usage(usage, made),
            )
        )
        print(body)
        print(write(name, title, body))


def _usage(usage: Usage, made: Installation) -> str:
    total = sum(usage.cpu_seconds.values())
    rows: list[list[object]] = [
        [component, f"{usage.peak_mib[component]:,.0f}", f"{seconds:,.0f}", f"{seconds / total:.0%}"]
        for component, seconds in sorted(usage.cpu_seconds.items())
    ]
    rows.append(["all", f"{sum(usage.peak_mib.values()):,.0f}", f"{total:,.0f}", "100%"])
    note = "Tasks are children of the scheduler, so their work stands in its line. Memory is proportional set size."
    return table(["process and its children", "peak memory, MiB", "CPU, s", "share of CPU"], rows) + "\n\n" + note


def workers() -> None:
    """Measure a short backfill with and without warm workers, and without bytecode."""
    rows: list[list[object]] = []
    with tempfile.TemporaryDirectory() as folder:
        variants: dict[str, dict[str, str]] = {
            "warm workers, bytecode": {},
            "cold workers, bytecode": {"CATENA_WARM_WORKERS": "false"},
            # An empty cache prefix that is not written: Python finds no bytecode and compiles each module anew.
            "cold workers, no bytecode": {
                "CATENA_WARM_WORKERS": "false",
                "PYTHONPYCACHEPREFIX": f"{folder}/none",
                "PYTHONDONTWRITEBYTECODE": "1",
            },
        }
        for number, (name, variables) in enumerate(variants.items()):
            with installation(Path(folder) / str(number), variables) as made:
                up = made.catena("up")
                wall = made.catena("demo", "--from", SHORT[0], "--to", SHORT[1])
                count, span, _ = made.task_runs()
                rows.append([name, f"{up:.0f}", f"{wall:.0f}", count, f"{span / count:.2f}"])
    body = table(["variant", "`catena up`, s", "14 days, s", "task runs", "wall seconds per task run"], rows)
    print(body)
    print(write("workers", "Warm workers and bytecode", body))


def cold_start() -> None:
    """Measure a fresh clone: install, start, and the first report."""
    with tempfile.TemporaryDirectory() as folder:
        clone = Path(folder) / "catena"
        subprocess.check_call(["git", "clone", "--quiet", str(ROOT), str(clone)])
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("CATENA_", "VIRTUAL_"))}
        with installation(Path(folder) / "home") as made:
            environment = {**inherited, **{k: v for k, v in made.environment.items() if k.startswith("CATENA_")}}
            start = time.perf_counter()
            with (Path(folder) / "log").open("wb") as log:
                process = subprocess.Popen(["make", "demo"], cwd=clone, env=environment, stdout=log, stderr=log)
                moments: dict[str, float] = {}
                watchers = {
                    "install": (clone / ".venv" / ".installed").exists,
                    "first report": lambda: any((made.home / "pages").glob("*/reports/*.html")),
                }
                while process.poll() is None:
                    for name, happened in watchers.items():
                        if name not in moments and happened():
                            moments[name] = time.perf_counter() - start
                    time.sleep(0.5)
            moments["end of the demo"] = time.perf_counter() - start
            if process.returncode:
                raise RuntimeError((Path(folder) / "log").read_text()[-3000:])
    body = table(["from `make demo` in a fresh clone to", "seconds"], [[k, f"{v:.0f}"] for k, v in moments.items()])
    print(body)
    print(write("cold_start", "Cold start, with a warm package cache", body))
