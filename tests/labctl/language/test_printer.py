"""A printed program reads back as the same program, to the last bit of every number."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from labctl.language.parser import parse, parse_program
from labctl.language.printer import print_program, print_step

QUICK = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])


@QUICK
@given(st.data())
def test_any_program_reads_back_the_same(drawn, data):
    program = data.draw(drawn.programs())
    text = print_program(program)
    assert parse_program(text) == program
    assert print_program(parse_program(text)) == text


@QUICK
@given(st.data())
def test_any_step_reads_back_the_same(drawn, data):
    step = data.draw(drawn.steps())
    assert parse(print_step(step)).nodes == (step,)


def test_a_record_that_all_steps_share_is_said_once():
    text = "limits 0 V to 5 V, 1 A\nRest for 1 h recording every 5 s\nRest for 2 h recording every 5 s"
    assert print_program(parse_program(text)).count("recording") == 1
