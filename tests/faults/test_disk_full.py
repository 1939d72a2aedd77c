"""The disk is full amid a commit: the ingest names the table, leaves nothing half, and goes on with room."""

from __future__ import annotations

import os
import re
import subprocess
from contextlib import ExitStack
from pathlib import Path

import pytest

pytestmark = pytest.mark.faults

DAYS = ("2013-02-01", "2013-02-02")
# What an error has to say of the table.
NAMED = r"^WriteFailed: table at \S+/flight_delays/(events_weather|weather|quarantine) cannot be written: .*"


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 4 MB that is mounted for the test; left out where nobody may mount."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)]
    mounted = subprocess.run(command, capture_output=True, text=True, check=False) if os.geteuid() == 0 else None
    if mounted is None or mounted.returncode:
        pytest.skip("only root may mount a small disk" if mounted is None else mounted.stderr.strip())
    with ExitStack() as undone:
        undone.callback(subprocess.run, ["umount", str(folder)], check=True)
        yield folder


def fill(folder: Path, left: int) -> Path:
    """Leave this many bytes on a disk; return the file that takes the rest."""
    filler = folder / "filler"
    free = os.statvfs(folder)
    filler.write_bytes(b"\x00" * (free.f_bavail * free.f_frsize - left))
    return filler


def assert_nothing_half(ground, lake):
    """Every table opens, and each record that is there is there once and is followed by no gap."""
    offsets = [row["log_offset"] for row in ground.records("weather", lake)]
    assert offsets == list(range(1, len(offsets) + 1))
    ground.clean(lake)


@pytest.mark.timeout(600)
def test_full_disk_fails_loudly_and_costs_nothing(ground_of, small_disk, rounds):
    """With ever a little more room on a real, full file system (ENOSPC): an error with the table, and nothing half.

    The room left runs from none, where not even a file of rows can be written, to where the last commits fail.
    """
    ground = ground_of("weather")
    lake = str(small_disk / "lake")
    told = ground.told(*DAYS)
    third = len(told) // 3
    ground.publish(told[:third])
    ground.drain(lake)
    ground.publish(told[third:])
    failed = 0
    step = int(rounds(49_152, 8_192))
    for left in range(0, 400_000, step):
        filler = fill(small_disk, left)
        process = ground.start_drain(lake, batch=10)
        code = process.wait()
        assert_nothing_half(ground, lake)
        filler.unlink()
        if code == 0:
            break
        failed += 1
        assert code == 1, process.stderr()
        assert re.search(NAMED + "No space left on device", process.error), process.error
    assert code == 0
    assert failed >= 2
    ground.assert_whole(lake)


@pytest.mark.timeout(600)
def test_file_size_limit_fails_loudly_and_costs_nothing(ground_of, rounds):
    """Files may grow to a limit only (RLIMIT_FSIZE; EFBIG): an error with the table, and nothing half."""
    ground = ground_of("weather")
    told = ground.told(*DAYS)
    half = len(told) // 2
    ground.publish(told[:half])
    ground.drain()
    ground.publish(told[half:])
    for size in (0, 1_000, 4_096) if rounds(0, 1) else (1_000,):
        process = ground.start_drain(batch=10, file_bytes=size)
        assert process.wait() == 1, process.stderr()
        assert re.search(NAMED + "File too large", process.error), process.error
        assert_nothing_half(ground, "lake")
    ground.drain()
    ground.assert_whole()
