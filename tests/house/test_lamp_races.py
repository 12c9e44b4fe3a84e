"""Two whole sessions that race for one lamp: never do both arm it, nor both charge its bank.

Both are forked from a parent that has everything imported, and meet where all checks are done and only the lamp is
left to be taken. The judge is what each station's own twins did.
"""

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

RACES = """
    import json, multiprocessing, sys
    from pathlib import Path
    import labctl, labctl.connecting, labctl.config.benches, devices.flash_lamp, devices.potentiostat, scipy.linalg
    import devices.instruments.squidstat
    from devices.errors import OwnershipError
    from devices.recipes import AnnealRecipe
    from devices.roles.lamp import AnnealJob
    from devices.samples import Layer, SampleRef

    sample = SampleRef(id="quick-1", layers=(Layer("Al", 100e-6), Layer("LiCoO2", 0.7e-6)))
    job = AnnealJob(sample, AnnealRecipe("q", 200.0, 1.8e-3, 1, 0.4))

    def race(lab, meet):
        lamp, charger = lab.lamp, lab.twins.station("lamp").charger
        lab.wait(lamp.prepare(job))
        before = len(charger.log)
        lamp.before_arming = lambda: meet.wait(30)
        try:
            lamp.insert(lamp.arm(job))
            lamp.kickoff()
            armed = True
        except OwnershipError:
            armed = False
        # Neither gives back what it has before the other has tried.
        meet.wait(30)
        lab.clock.sleep(0.3)
        charged = any(event == "high voltage on" for _, event, _ in charger.log[before:])
        lamp.safe()
        meet.wait(30)
        return armed, charged

    def racer(folder, races, meet, say):
        with labctl.open_session("twin", data=folder / own_name(), handle_signals=False) as lab:
            try:
                for number in range(races):
                    say.put((number, *race(lab, meet)))
            finally:
                say.put(None)

    def own_name():
        return multiprocessing.current_process().name

    folder, races = Path(sys.argv[1]), int(sys.argv[2])
    # A real lamp is locked for the whole machine, whatever the data folder of a session is.
    labctl.connecting.Devices._locks = lambda *_: folder / "locks"
    context = multiprocessing.get_context("fork")
    meet, say = context.Barrier(2), context.SimpleQueue()
    both = [context.Process(target=racer, args=(folder, races, meet, say), daemon=True) for _ in range(2)]
    for each in both:
        each.start()
    # One that fails says None too early; the other's barrier breaks then.
    found = [*iter(say.get, None), *iter(say.get, None)]
    for each in both:
        each.join()
    print(json.dumps(found))
"""


@pytest.mark.parametrize(
    "races", [10, pytest.param(1000, marks=[pytest.mark.slow, pytest.mark.timeout(1500)])]
)
def test_two_sessions_that_race_for_a_lamp_never_both_arm_or_charge_it(tmp_path, races):
    done = subprocess.run(
        [sys.executable, "-P", "-c", textwrap.dedent(RACES), str(tmp_path), str(races)],
        env={**os.environ, "PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        check=True,
        timeout=1400,
    )
    found = json.loads(done.stdout)
    for number in range(races):
        of_it = [(armed, charged) for race, armed, charged in found if race == number]
        assert sorted(of_it) == [(False, False), (True, True)]
