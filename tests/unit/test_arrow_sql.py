"""SQL over Arrow tables, in a process as a worker's is."""

from __future__ import annotations

import subprocess
import sys

SETTING = "SELECT current_setting('enable_progress_bar')"
CODE = f"""
import duckdb
from catena.arrow_sql import open_database, sql_over
assert duckdb.connect().execute("{SETTING}").fetchall() == [(True,)]
assert open_database(threads=1).execute("{SETTING}").fetchall() == [(False,)]
with sql_over({{}}) as connection:
    assert connection.execute("{SETTING}").fetchall() == [(False,)]
"""


def test_no_progress_bar_is_drawn_into_the_log_of_a_task():
    """A process without a main file counts as a person's session for DuckDB, which then draws bars on stdout."""
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
