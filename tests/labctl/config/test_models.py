"""Addresses are read once, in one of five forms."""

import pytest

from labctl.config.models import Address


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("twin", Address("twin")),
        ("serial:/dev/ttyUSB0", Address("serial", "/dev/ttyUSB0")),
        ("serial:/dev/ttyUSB0?baud=115200&parity=E", Address("serial", "/dev/ttyUSB0", 115200, "E")),
        ("socket://127.0.0.1:7300", Address("socket", "socket://127.0.0.1:7300")),
        ("visa:TCPIP::192.0.2.10::INSTR", Address("visa", "TCPIP::192.0.2.10::INSTR")),
        ("unix:/run/labctl/squidstat.sock", Address("unix", "/run/labctl/squidstat.sock")),
    ],
)
def test_an_address_is_read(text, address):
    assert Address.parse(text) == address


@pytest.mark.parametrize(
    "text",
    ["", "Twin", "COM3", "/dev/ttyUSB0", "serial:ttyUSB0", "socket://host", "visa:", "unix:here", "twin "],
)
def test_another_form_is_refused_with_the_forms_there_are(text):
    with pytest.raises(ValueError, match="serial:/dev/ttyUSB0"):
        Address.parse(text)


@pytest.mark.parametrize("options", ["baud=fast", "baud=1", "parity=X", "speed=9600"])
def test_an_option_that_a_serial_port_has_not_is_refused(options):
    with pytest.raises(ValueError, match="baud="):
        Address.parse(f"serial:/dev/ttyUSB0?{options}")
