"""A film whose process is killed: plasma off and shutters closed by hardware alone, and finished later, nothing twice.

The judge is the black box of the served chamber, which lives on. The processes are forked from a warm parent.
"""

import os
import random
import signal
import threading

import pytest

from tests.support.warm import Warm, alive, wait_for

THICKNESS = 40e-9
RATE = 400e-9 / 60.0
"""m/s of film on these twins: the bench runs on the clock of the wall."""
WITHIN = 12.0
"""Seconds from the death of the host to a dark chamber [table of endings]."""

TASK = """
    from dataclasses import replace

    import labctl, devices.sputter_system
    from devices.samples import Layer, SampleRef
    from devices.sputter.recipe import DepositionRecipe
    from labctl.config import readers
    from labctl.config.finder import config_dir
    from labctl.runs.briefs import briefs
    from labctl.runs.run import Run

    sample = SampleRef(id="quick-1", layers=(Layer("Al", 100e-6),))

    def run(bench, config, data, thickness, said, recovers):
        recipe = readers.deposition(config_dir() / "recipes" / "sputter-lco-0.7um.toml")
        guns = tuple(replace(each, ramp=None) for each in recipe.guns)
        recipe = replace(recipe, guns=guns, presputter=1.0, thickness=thickness, base_pressure=1e-3)
        with open(said, "a", buffering=1) as file:
            with labctl.open_session(bench, config=config, data=data, handle_signals=False) as lab:
                if not recovers:
                    def told(name, doc):
                        if name == "event_page" and lab.sputter.read_state() == "deposit":
                            print("open", file=file)
                    lab.RE.subscribe(told)
                    lab.RE(lab.plans.deposit(lab.sputter, sample, recipe))
                else:
                    print("state", lab.sputter.read_state(), file=file)
                    lab.hands._ask = lambda question: "yes"
                    first = [each.uid for each in briefs(lab.data)][0]
                    lab.sputter.reset()
                    films = lab.film_journals
                    (uid,) = lab.RE(
                        lab.plans.finish_deposition(lab.sputter, films, lab.hands, sample, recipe, first)
                    )
                    outcome = Run(uid, lab.data, alone=True).table("outcome")
                    print("last", outcome["asked"][0], outcome["done"][0], file=file)
                print("done", file=file)
"""
