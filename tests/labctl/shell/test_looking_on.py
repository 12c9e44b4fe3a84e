"""A shell without a bench says who has it, by what was typed to start it."""

import os

import pytest

from devices.errors import OwnershipError
from labctl.config.folder import Config
from labctl.doctor.holders import OURS
from labctl.shell.looking_on import looking_on
from labctl.shell.words import in_sentences


def beside(holder):
    return looking_on("twin", Config(), OwnershipError("bench/twin", holder))


def test_the_holder_is_told_with_its_command_and_since_when():
    said = str(beside(f"pid {os.getpid()} since 2026-01-02T03:04:05+00:00"))
    assert f"process {os.getpid()} (" in said
    assert " since 2026-01-0" in said


@pytest.mark.parametrize("holder", ["a process that is just opening it", "pid 1 since then", "pid 1"])
def test_what_a_lock_says_otherwise_is_told_as_it_is(holder):
    assert str(beside(holder)).endswith(holder)


def test_names_that_take_a_bench_are_told_of_and_others_are_as_ever():
    found = beside("pid 1")
    said = in_sentences(NameError("RE", name="RE"), {}, None, False, found)
    assert said.startswith("there is no 'RE' here, as this shell looks on only")
    assert "%watch" in said
    other = in_sentences(NameError("rnus", name="rnus"), {"runs": 1}, None, False, found)
    assert 'did you mean "runs"' in other


@pytest.mark.parametrize(
    "started",
    [
        "/usr/bin/python3 -P -m labctl run first-cell",
        "/lab/.venv/bin/python /lab/.venv/bin/labctl run first-cell",
    ],
)
def test_a_command_of_ours_is_told_as_it_was_typed(started):
    assert OURS.sub("labctl ", started) == "labctl run first-cell"
