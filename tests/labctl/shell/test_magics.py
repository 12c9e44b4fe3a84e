"""Magics typed with too little behind them."""

import pytest

from labctl.mistyped import Mistyped
from labctl.shell.magics import LabMagics


@pytest.mark.parametrize("line", ["  ", "lamp.charger.voltage"])
@pytest.mark.parametrize("magic", ["mov", "movr"])
def test_a_move_of_nothing_or_to_nowhere_says_what_to_type(magic, line):
    nobody = LabMagics.__new__(LabMagics)
    with pytest.raises(Mistyped, match=rf"%{magic} lamp.charger.voltage"):
        getattr(nobody, magic)(line)
