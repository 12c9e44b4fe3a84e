"""Nothing that is printed is obeyed by a terminal."""

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from labctl.plain_text import plain, without_class


@given(st.text())
def test_no_sign_is_left_that_is_not_visible(text):
    shown = plain(text)
    assert not any(unicodedata.category(sign) in ("Cc", "Cs", "Zl", "Zp") for sign in shown)
    shown.encode()


def test_visible_text_stays_as_it_is():
    assert plain("LiCoO₂ 0.7 µm <b>[red]x[/red]</b> 👩‍🔬") == "LiCoO₂ 0.7 µm <b>[red]x[/red]</b> 👩‍🔬"


def test_controls_and_directions_are_shown_by_their_code():
    assert plain("a\x1b[31mb\n\u202ec") == r"a\x1b[31mb\n\u202ec"


def test_long_text_is_cut():
    assert plain("x" * 5000, 10) == "x" * 9 + "…"
    assert plain("x" * 10, 10) == "x" * 10


def test_the_class_of_an_error_is_taken_off_and_nothing_else():
    assert without_class("InterlockError: door: the door is open") == "door: the door is open"
    assert without_class("Trouble: crystal: it fails") == "crystal: it fails"
    assert without_class("stopped: by a person") == "stopped: by a person"
