"""Rows at a prompt: both ends, with units, no wider than the terminal."""

import numpy as np

from labctl.runs.rows import Rows
from labctl.showing.row_table import rows_text

UNITS = {"cycle": "1", "charge": "Ah", "spectrum": "1"}


def rows(count):
    return {"cycle": np.arange(count), "charge": np.full(count, 7.2e-6), "spectrum": np.zeros((count, 3))}


def test_long_tables_show_both_ends_with_units():
    shown = repr(Rows(rows(230), UNITS, "primary")).splitlines()
    assert len(shown) < 30
    assert shown[0].split() == ["cycle", "charge"]
    assert shown[1].split() == ["uAh"]
    assert shown[2].split() == ["0", "7.2"]
    assert shown[12] == "..."
    assert shown[-2].split() == ["229", "7.2"]
    assert shown[-1] == "primary: 230 rows, 210 between not shown; not shown: spectrum"


def test_short_and_empty_ones_are_whole():
    assert "not shown: spectrum" in rows_text(rows(2), UNITS, "primary")
    assert "..." not in rows_text(rows(2), UNITS, "primary")
    assert rows_text({}, {}, "primary").endswith("primary: 0 rows")


def test_what_a_terminal_has_no_room_for_is_named(monkeypatch):
    monkeypatch.setenv("COLUMNS", "20")
    many = {f"quantity_{number}": np.zeros(3) for number in range(4)}
    shown = rows_text(many, {}, "primary")
    assert "not shown: quantity_1, quantity_2, quantity_3" in shown
    assert max(map(len, shown.splitlines()[:-1])) <= 20
