"""Tables of somebody else's data, imported."""

import numpy as np
import pytest
from event_model import DocumentNames, schema_validators

from devices.samples import Layer, SampleRef
from labctl.derived.flags import DerivedFlag
from labctl.derived.store import derive
from labctl.imports.run_import import import_file
from labctl.runs.run import Run

HEADER = "Test Time / s,Voltage / V,Current / A,Step Count / 1,Cycle Count / 1,Net Capacity / Ah"
BOUGHT = SampleRef(id="bought", layers=(Layer("Al", 1e-4), Layer("LiCoO2", 1e-6)), area=2e-5)


def test_an_imported_run_has_the_tables_of_our_own(tmp_path, made_up, truth):
    rows = made_up().cycles([1e-5, 1e-5]).rows
    lines = [
        HEADER,
        *(f"{t:.6f},{v:.9f},{i:.9e},{step},{cycle},{q:.12e}" for t, v, i, q, step, cycle, _ in rows),
    ]
    file = tmp_path / "theirs.bdf.csv"
    file.write_text("\n".join(lines) + "\n")
    kept = Run(import_file(file, BOUGHT, tmp_path / "data").path)
    made = derive(tmp_path / "data", [kept])
    assert {"cycle_table", "rate_table", "ragone", "dq_dv", "holds"} <= {each.kind for each in made}
    for each in made:
        for name, doc in Run(each.uid, tmp_path / "data").documents:
            schema_validators[DocumentNames[name]].validate(doc)
    table = Run(made[0].uid, tmp_path / "data").table()
    assert table["discharge_capacity"] == pytest.approx(np.full(2, truth["full"]), rel=1e-6)
    assert table["discharge_capacity_per_area"] == pytest.approx(np.full(2, truth["full"] / 2e-5), rel=1e-6)
    assert table["end_of_charge_rest"] == pytest.approx(np.full(2, truth["high"]), rel=1e-6)
    # Its last step is followed by nothing: whether the cycle was finished, nobody says.
    assert [bool(flag & DerivedFlag.END_UNKNOWN) for flag in table["flags"]] == [False, True]
