"""The small use case of the tests of the chain, whose truth is known."""

from __future__ import annotations

import importlib.util
from pathlib import Path

_FILE = Path(__file__).parents[1] / "chain" / "conftest.py"
_spec = importlib.util.spec_from_file_location("toys", _FILE)
assert _spec is not None
assert _spec.loader is not None
_toys = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_toys)

toy_module = _toys.toy_module
usecase = _toys.usecase
empty_mlflow = _toys.empty_mlflow
home = _toys.home
local = _toys.local
land = _toys.land
run_of = _toys._run_of
