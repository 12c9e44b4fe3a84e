"""What a start document says of a sample tells its area and what its voltage is against."""

import pytest

from devices.recipes import to_json
from labctl.config.folder import Config
from labctl.samples.telling import anode_of, electrodes_area


def said_of(name):
    sample = Config().sample(name)
    return {**to_json(sample), "area_m2": sample.area}


@pytest.mark.parametrize(("name", "area"), [("lco-0.7um", 0.15e-4), ("anodeless-stack", 6 * 1.5e-4)])
def test_layers_in_parallel_count_with_their_whole_area(name, area):
    assert electrodes_area(said_of(name)) == pytest.approx(area)


def test_a_voltage_is_against_lithium_but_where_a_host_lies_on_the_electrolyte():
    assert anode_of(said_of("lco-0.7um")) == anode_of(said_of("anodeless-10um")) == anode_of({}) == "Li"
    host = {"kind": "anode", "name": "Si"}
    layers = [{"material": "LiPON"}, {"material": "Si"}]
    assert anode_of({"materials": [host], "cell_layers": layers}) == "Si"
