"""What a start document says of a sample tells what its voltage is against."""

from devices.recipes import to_json
from labctl.config.folder import Config
from labctl.samples.telling import anode_of


def said_of(name):
    return to_json(Config().sample(name))


def test_a_voltage_is_against_lithium_but_where_a_host_lies_on_the_electrolyte():
    assert anode_of(said_of("lco-0.7um")) == anode_of(said_of("anodeless-10um")) == anode_of({}) == "Li"
    host = {"kind": "anode", "name": "Si"}
    layers = [{"material": "LiPON"}, {"material": "Si"}]
    assert anode_of({"materials": [host], "cell_layers": layers}) == "Si"
