"""Outcomes of tests as `make test` keeps them for the score card."""

from __future__ import annotations

import json
import os
import subprocess
import sys

from catena.run import code_version
from catena.settings import PROJECT_ROOT


def test_outcomes_are_kept_with_the_code_they_were_made_on(tmp_path):
    """The last line of a test counts; lines of other code are dropped, those of this code stay."""
    file = tmp_path / "results.jsonl"
    there = [{"test": "old", "outcome": "passed", "code": "other"},
             {"test": "kept", "outcome": "passed", "code": code_version()}]  # fmt: skip
    file.write_text("".join(f"{json.dumps(line)}\n" for line in there), encoding="utf-8")
    test = "tests/unit/test_partitions.py"
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--record-outcomes", "-p", "no:cacheprovider", test],
        cwd=PROJECT_ROOT, env=os.environ | {"CATENA_TEST_RESULTS": str(file)}, capture_output=True, text=True,
        check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    assert lines[0] == there[1]
    assert len(lines) > 5
    assert {(line["outcome"], line["code"]) for line in lines} == {("passed", code_version())}
    assert all(line["test"].startswith(f"{test}::") for line in lines[1:])
