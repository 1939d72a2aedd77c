"""Tables on a narrow terminal."""

from __future__ import annotations

import pytest

from catena.cli.terminal import print_rows


def test_words_stay_whole(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """A backtest's eight columns in 80 characters: each word is somewhere whole."""
    monkeypatch.setenv("COLUMNS", "80")
    columns = (
        "policy",
        "ROC AUC, mean",
        "Brier score, mean",
        "ECE, median",
        "trained",
        "promoted",
        "rolled back",
        "CPU s",
    )
    row = ("logistic regression", "0.739", "0.149", "0.023", 11, None, None, 202)
    print_rows("2013-01-01 to 2013-12-31", columns, [row])
    shown = set(capsys.readouterr().out.replace("┃", " ").replace("│", " ").split())
    assert set(" ".join([*columns, *(str(cell) for cell in row if cell is not None)]).split()) <= shown


def test_what_is_too_long_breaks_and_nothing_is_lost(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A path goes on in the next line, for whoever copies it."""
    monkeypatch.setenv("COLUMNS", "40")
    path = "/somewhere/" + "deep/" * 20
    print_rows("t", ("version", "path"), [("flight_delays/12", path)])
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("│")]
    assert "".join(line.split("│")[2].strip() for line in lines) == path
    assert "flight_delays/12" in lines[0]
