"""Plays the weather station: writes the days of vega_datasets' Seattle weather (NOAA, public domain) as daily files."""

from __future__ import annotations

import csv
import importlib.util
from pathlib import Path

from sqlalchemy import URL


def export(landing_root: str, database_url: URL, first: str, last: str) -> None:
    """Write one CSV file for each day from `first` to `last`, both included.

    Args:
        landing_root: folder in which upstream systems leave their files.
        database_url: unused here; every upstream system is given the operational database's address.
        first: first day, as 2012-01-01.
        last: last day.
    """
    spec = importlib.util.find_spec("vega_datasets")
    if spec is None or spec.submodule_search_locations is None:
        raise ModuleNotFoundError("vega_datasets is not installed; it carries the Seattle weather")
    source = Path(spec.submodule_search_locations[0]) / "_data" / "seattle-weather.csv"
    folder = Path(landing_root) / "seattle_weather" / "daily"
    folder.mkdir(parents=True, exist_ok=True)
    with source.open(encoding="utf-8", newline="") as lines:
        reader = csv.reader(lines)
        header = next(reader)
        for row in reader:
            day = row[0].replace("/", "-")
            if first <= day <= last:
                draft = folder / f".{day}.csv"
                draft.write_text(",".join(header) + "\n" + ",".join(row) + "\n", encoding="utf-8")
                draft.replace(folder / f"{day}.csv")
