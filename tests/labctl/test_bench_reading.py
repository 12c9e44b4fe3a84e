"""What is told of a bench's file beside what it means."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import labctl
from devices.errors import LabError
from labctl.bench_reading import lacking
from labctl.config.folder import Config

CONFIG = Path(__file__).parents[2] / "config"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return Path(shutil.copytree(CONFIG, tmp_path / "config"))


def test_a_bench_that_lacks_a_station_says_what_it_has_and_which_others_have_it(tmp_path: Path) -> None:
    experiment = Config().experiment("condition-lco")
    with (
        labctl.open_session("twin", data=tmp_path / "data", handle_signals=False) as lab,
        pytest.raises(LabError) as caught,
    ):
        lab.plan_of(experiment)
    assert str(caught.value) == (
        "this bench has no 'sputter': bench twin has lamp, potentiostat; line, sputter have one: --bench line"
    )


def test_channels_that_a_table_makes_are_found_on_other_benches(config: Path) -> None:
    told = lacking(Config(config).bench("twin"), "channel_2")
    assert told.endswith("; example-hardware has one: --bench example-hardware")


def test_files_beside_a_bench_that_are_none_are_passed_over(config: Path) -> None:
    benches = config / "benches"
    (benches / "aaa.toml").write_text("sputter = [")
    (benches / "bbb.toml").write_text("schema = 1\ndevices = 3\n")
    (benches / "ccc.toml").write_bytes(b"\xff\xfe\x00")
    assert lacking(Config(config).bench("twin"), "furnace").endswith(
        "; line, sheet, sputter have one: --bench line"
    )


def test_what_no_bench_has_is_offered_nowhere(config: Path) -> None:
    assert lacking(Config(config).bench("twin"), "teapot").endswith("bench twin has lamp, potentiostat")


def test_of_many_channels_the_first_are_named(config: Path) -> None:
    path = config / "benches" / "example-hardware.toml"
    text = path.read_text()
    assert "channels = 4" in text
    path.write_text(text.replace("channels = 4", "channels = 40"))
    assert " and 30 more" in lacking(Config(config).bench("example-hardware"), "sputter")
