"""Hands in a served world: samples are carried and built over a socket, and refusals come back in words."""

import socket

import pytest

from devices.errors import ConnectError
from devices.recipes import to_json
from labctl.serving.hands import ServedWorld
from sim.foil import FoilError


def test_a_sample_is_carried_built_and_wired(serve, sample):
    served = serve()
    world = ServedWorld(str(served.server.hands))
    world.check(to_json(sample), cell=True)
    world.bring(to_json(sample), "lamp")
    assert served.server.world.station("lamp").foil.id == sample.id
    world.assemble(to_json(sample))
    assert served.server.world.station("lamp").foil is None
    world.bring(to_json(sample), "potentiostat/2")
    told = [(line["event"], line["station"]) for line in served.events("brought", "assembled", "wired")]
    assert told == [
        ("brought", "lamp"),
        ("assembled", ""),
        ("wired", "potentiostat"),
        ("brought", "potentiostat"),
    ]
    world.bring(to_json(sample), "potentiostat/2")
    assert len(served.events("wired")) == 1


def test_what_cannot_be_done_is_refused_in_words(serve, sample):
    world = ServedWorld(str(serve().server.hands))
    with pytest.raises(FoilError, match="no cell yet"):
        world.bring(to_json(sample), "potentiostat/0")
    with pytest.raises(FoilError, match="no place 'moon'"):
        world.bring(to_json(sample), "moon")
    with pytest.raises(FoilError):
        world.check({**to_json(sample), "layers": [{"material": "cheese", "thickness": 1e-6}]}, cell=False)


def test_nonsense_is_refused_and_the_server_goes_on(serve, sample):
    served = serve()
    for line in (b"{", b"3", b'{"do": "fly", "sample": {}}', b'{"do": "bring"}', b"\xff"):
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(5)
            client.connect(str(served.server.hands))
            client.sendall(line + b"\n")
            assert b"refused" in client.recv(1000)
    ServedWorld(str(served.server.hands)).check(to_json(sample), cell=False)


def test_a_server_that_is_gone_is_named(tmp_path, sample):
    with pytest.raises(ConnectError, match="still running"):
        ServedWorld(str(tmp_path / "hands")).bring(to_json(sample), "lamp")
