"""Releases of the code: one entry for each change, with where the sources came from."""

from __future__ import annotations

import subprocess

import pytest

from catena.governance.releases import record_release, releases_of
from catena.platform.release import commit_of, record_installed, release_facts
from catena.run import Run, code_version


def run(code):
    return Run("platform", "install", "test", code_version=code)


def test_a_release_is_entered_once_for_each_change(workspace):
    """A restart adds nothing; another release does, and so does the first one when it comes back."""
    for code, is_new in (("1+a", True), ("1+a", False), ("1+b", True), ("1+a", True)):
        assert record_release(workspace.ledger, run(code), {"version": "1"}) is is_new
    assert [entry.partition for entry in releases_of(workspace.ledger)] == ["1+a", "1+b", "1+a"]


def test_what_starts_names_its_release(workspace):
    """The installation's entry has the version that each entry and commit of a run carries, and says what it is."""
    assert (record_installed(workspace.settings), record_installed(workspace.settings)) == (True, False)
    (entry,) = releases_of(workspace.ledger)
    assert entry.partition == code_version() == Run("toys", "train", "x").code_version
    assert entry.payload == release_facts(workspace.settings)
    assert {"version", "python", "environment", "commit", "is_clean", "lock.production"} <= set(entry.payload)


def test_the_commit_is_that_of_the_folder_itself(tmp_path):
    """A clean repository, a changed one, and a folder inside of another repository, whose commit says nothing of it."""
    if subprocess.run(["git", "--version"], capture_output=True, check=False).returncode:
        pytest.skip("git is not installed")
    identity = ["-c", "user.name=n", "-c", "user.email=e@example.org"]
    (tmp_path / "inside").mkdir()
    (tmp_path / "inside" / "file").write_text("a", encoding="utf-8")
    for command in (["init", "-q"], ["add", "."], [*identity, "commit", "-qm", "m"]):
        subprocess.run(["git", "-C", str(tmp_path), *command], check=True, capture_output=True)
    clean = commit_of(tmp_path)
    assert (len(clean["commit"]), clean["is_clean"]) == (40, True)
    assert commit_of(tmp_path / "inside") == {"commit": None, "is_clean": None}
    (tmp_path / "inside" / "file").write_text("b", encoding="utf-8")
    assert commit_of(tmp_path) == {**clean, "is_clean": False}
