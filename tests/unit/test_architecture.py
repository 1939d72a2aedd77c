"""Which room may import what: the contracts of import-linter, and what is loaded when a use case is declared."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HEAVY = ("duckdb", "great_expectations", "matplotlib", "mlflow", "pandas", "pyarrow", "scipy", "sklearn", "sqlalchemy")
SIZES = {"dags": 60, "include/usecases": 260, "include/catena": 300, "plugins": 300}


def python_files(room: str) -> list[Path]:
    files = sorted((ROOT / room).rglob("*.py"))
    assert files, f"no Python file below {room}: this test would pass on nothing"
    return files


def imports(file: Path) -> set[str]:
    """Return the modules that a file imports, also inside functions."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


def test_the_contracts_hold():
    """Links import only earlier links, and the library knows neither Airflow nor a use case by name.

    `lint-imports` names the import that broke a contract, and the contract's name says in which room it belongs.
    """
    lint = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([lint, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("room", "forbidden", "advice"),
    [
        (
            "include",
            ("airflow", "catena_airflow", "dags"),
            "operators and assets: plugins/catena_airflow; wiring: dags/",
        ),
        ("plugins/catena_airflow", ("dags", "usecases"), "the declaration comes from catena.declared"),
        ("dags", (*HEAVY, "os", "requests", "usecases"), "work belongs in include/catena, wiring alone in dags/"),
    ],
)
def test_no_room_imports_what_belongs_elsewhere(room, forbidden, advice):
    """Also an import inside a function counts; the message names the file and the right room."""
    wrong = [
        f"{file.relative_to(ROOT)} imports {name}"
        for file in python_files(room)
        for name in sorted(imports(file))
        if name.split(".")[0] in forbidden and file.name != "declared.py"
    ]
    assert not wrong, f"{wrong}: {advice}"


def test_declarations_are_light():
    """What Airflow imports at every parse of a DAG file loads no heavy library."""
    code = (
        "import sys, catena.declared as d; assert d.declared_usecases(); "
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(("room", "limit"), SIZES.items())
def test_files_stay_short(room, limit):
    """A file that outgrows its room wants to be two."""
    long = {
        str(file.relative_to(ROOT)): lines
        for file in python_files(room)
        if (lines := len(file.read_text(encoding="utf-8").splitlines())) > limit
    }
    assert not long


def test_no_room_for_odds_and_ends():
    """Nothing lives in `utils`: a name says what belongs inside."""
    odd = {"utils", "util", "helpers", "helper", "common", "misc"}
    found = [file for room in ("include", "plugins", "dags") for file in python_files(room) if file.stem in odd]
    assert not found


def test_one_reader_of_the_environment():
    """Only the settings read the environment; besides them who prepares other programs' and who finds a connection."""
    allowed = {"include/catena/settings.py", "include/catena/sources/databases.py"}
    readers = {
        str(file.relative_to(ROOT))
        for room in ("include", "plugins", "dags")
        for file in python_files(room)
        if "platform" not in file.parts
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and node.attr in {"environ", "getenv"}
    }
    assert readers <= allowed


def test_no_registry_addresses_are_committed():
    """The locks hold versions and hashes only, so that any mirror serves them."""
    for lock in sorted((ROOT / "requirements").glob("*.lock")):
        text = lock.read_text(encoding="utf-8")
        assert "://" not in text, lock
        assert "--hash=sha256:" in text, lock
    assert not [word for word in ("index-url", "find-links") if word in (ROOT / "pyproject.toml").read_text()]
