"""The table of `nbssh status` on terminals of every width: aligned, no word broken before a column was left out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbssh.adapters.terminal.table import print_rows
from nbssh.adapters.terminal.ui import columns, fitted

if TYPE_CHECKING:
    import pytest

HEAD = ("NAME", "SERVER", "RUNS", "SINCE")
ROWS = [HEAD, ("mybox", "running", "JupyterLab 4.6.6", "9 s ago"), ("a-long-name", "-", "-", "-")]


def shown(capsys: pytest.CaptureFixture[str], *, color: bool = False) -> str:
    print_rows(ROWS, color=color, styles={"running": "green", "-": "dim"}, wrapped=("RUNS",), spared=("SINCE",))
    return capsys.readouterr().out


def test_where_there_is_room_it_is_the_plain_table(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for width in ("80", "200"):
        monkeypatch.setenv("COLUMNS", width)
        assert shown(capsys) == columns(ROWS)


def test_a_column_is_wrapped_at_a_word_and_left_out_before_a_word_is_broken(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "41")
    assert shown(capsys).splitlines()[:3] == [
        "NAME         SERVER   RUNS        SINCE",
        "mybox        running  JupyterLab  9 s ago",
        "                      4.6.6",
    ]
    monkeypatch.setenv("COLUMNS", "38")
    assert shown(capsys).splitlines()[:2] == ["NAME         SERVER   RUNS", "mybox        running  JupyterLab 4.6.6"]


def test_a_plain_table_leaves_out_as_little_as_it_must() -> None:
    assert fitted(ROWS, 47, spared=("SINCE", "RUNS")) == [list(row) for row in ROWS]
    assert fitted(ROWS, 46, spared=("SINCE", "RUNS")) == [list(row[:3]) for row in ROWS]
    assert fitted(ROWS, 37, spared=("SINCE", "RUNS")) == [list(row[:2]) for row in ROWS]


def test_colours_are_there_only_where_they_are_wanted(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert "\x1b[32mrunning\x1b[0m" in shown(capsys, color=True)
    assert "\x1b" not in shown(capsys)
