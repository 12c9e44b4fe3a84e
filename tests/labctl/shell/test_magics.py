"""Magics typed with nothing behind them."""

import pytest

from labctl.mistyped import Mistyped
from labctl.shell.magics import LabMagics


@pytest.mark.parametrize("magic", ["mov", "movr"])
def test_a_move_of_nothing_says_what_to_type(magic):
    nobody = LabMagics.__new__(LabMagics)
    with pytest.raises(Mistyped, match=rf"%{magic} lamp.charger.voltage"):
        getattr(nobody, magic)("  ")
