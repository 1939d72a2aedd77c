"""What the command line starts after a change of what serves."""

from __future__ import annotations

from pathlib import Path

from catena.platform.follow_up import follow_up
from catena.settings import Settings


def test_without_airflow_the_change_waits_for_the_next_run(tmp_path: Path) -> None:
    """A platform that is down does not undo a rollback; the command says who follows it."""
    started, waiting = follow_up(
        Settings(_env_file=None, home=tmp_path, api_port=1), "flight_delays", months=["2013-02"], decided="2013-01"
    )
    assert started == []
    assert waiting is not None
    assert "the next run of score follows" in waiting
