"""Fits are kept by bench, real apart from twins, as they were; what was kept before is read where its runs tell."""

import json
from dataclasses import asdict, dataclass, replace

import pytest

from devices.errors import Corrupt, DataError
from labctl.config.finder import config_dir
from labctl.config.folder import Config
from labctl.config.models import Address
from labctl.films.rates import FilmFit, FilmRates
from labctl.kept_fits import Fit, KeptFits

FILM = FilmFit(
    "LiCoO2", "LiCoO2", 5e-11, 100.0, 0.8, 0.01, 3.0, None, 0.0, (80.0, 120.0), runs=("u",), time=0.0
)
BENCH = Config(config_dir()).bench("sputter")
OTHER = replace(BENCH, name="other")


def hardware(bench):
    """Return a bench whose sputter system is real."""
    entry = bench.devices["sputter"]
    address = Address("serial", "/dev/ttyUSB0")
    parts = {name: replace(each, address=address) for name, each in entry.parts.items()}
    return replace(bench, devices={**bench.devices, "sputter": replace(entry, parts=parts)})


REAL = hardware(BENCH)


@dataclass(frozen=True)
class Line(Fit):
    slope: float
    span: tuple[float, float]


class Lines(KeptFits[Line]):
    roles = frozenset({"SputterSystem"})

    def __init__(self, kept, bench=BENCH, slopes=(1.0,)):
        left = list(slopes)
        super().__init__(
            kept.folder, bench, Line, lambda runs: Line(left.pop(0), (0.0, 2.0), runs=uids(runs), time=1.0)
        )


def uids(runs):
    return tuple(run.uid for run in runs)


@pytest.fixture
def made(kept):
    """Return made(bench, real), which keeps a run on such a device and returns its uid."""

    def made_(bench="sputter", real=False, **told):
        start = {"bench": {"name": bench}, "devices": {"sputter": {"real": real}}, **told}
        return kept.anneal(**start)

    return made_


def keep_as_before(kept, *fits):
    """Keep fits by the device's name alone, without what they say only since then."""
    path = kept.folder / "calibrations" / "sputter.jsonl"
    path.parent.mkdir(parents=True)
    tables = [
        {k: v for k, v in asdict(fit).items() if k not in ("bench", "real", "measured")} for fit in fits
    ]
    path.write_text("".join(json.dumps(table) + "\n" for table in tables))
    return path


def test_fits_come_back_as_they_were_oldest_first(kept, made):
    lines = Lines(kept, slopes=(1.0, 1.5))
    first, second = (lines.fit("sputter", [made()]) for _ in range(2))
    assert lines.fits("sputter") == Lines(kept).fits("sputter") == (first, second)
    assert lines.fits("another") == ()
    assert (first.bench, first.real, first.slope, second.slope) == ("sputter", False, 1.0, 1.5)
    assert first.id != second.id


def test_what_could_not_be_fitted_is_not_kept(kept, made):
    def refused(runs):
        raise DataError("too few")

    fits = KeptFits(kept.folder, BENCH, Line, refused)
    with pytest.raises(DataError, match="too few"):
        fits.fit("sputter", [made()])
    assert not fits.path("sputter").exists()


def test_a_fit_of_one_bench_is_not_used_on_another(kept, made):
    Lines(kept).fit("sputter", [made()])
    assert Lines(kept, OTHER).fits("sputter") == ()
    Lines(kept, OTHER, [2.0]).fit("sputter", [made("other")])
    assert [each.slope for each in Lines(kept).fits("sputter")] == [1.0]
    assert [each.slope for each in Lines(kept, OTHER).fits("sputter")] == [2.0]


def test_a_twins_fit_does_not_count_for_the_real_device_nor_the_reverse_and_that_is_said_once(
    kept, made, caplog
):
    twin = Lines(kept).fit("sputter", [made()])
    real = Lines(kept, REAL)
    for _ in range(2):
        assert real.fits("sputter") == ()
    assert caplog.messages == [
        "a fit is not used for sputter of bench sputter: made on a twin, and it is real"
    ]
    own = real.fit("sputter", [made(real=True)])
    assert real.fits("sputter") == (own,)
    assert Lines(kept).fits("sputter") == (twin,)
    assert "made on the real one, and it is a twin" in caplog.messages[-1]


@pytest.mark.parametrize(
    ("bench", "run", "words"),
    [
        (OTHER, ("sputter", False), "on a twin of sputter of bench sputter: it calibrates no twin sputter"),
        (REAL, ("sputter", False), "on a twin of sputter of bench sputter: it calibrates no real sputter"),
        (BENCH, ("sputter", True), "on the real sputter of bench sputter: it calibrates no twin sputter"),
    ],
)
def test_runs_of_another_device_calibrate_nothing_here(kept, made, bench, run, words):
    with pytest.raises(DataError, match=words):
        Lines(kept, bench).fit("sputter", [made(*run)])
    assert not (kept.folder / "calibrations").exists()


def test_fits_of_before_count_for_the_bench_and_the_device_that_their_runs_tell(kept, made):
    fits = [
        Line(slope, (0.0, 2.0), runs=(made(*run),), time=1.0)
        for slope, run in zip(
            (1.0, 2.0, 3.0), [("sputter", False), ("other", False), ("sputter", True)], strict=True
        )
    ]
    path = keep_as_before(kept, *fits)
    before = path.read_bytes()
    for bench, fit in ((BENCH, fits[0]), (OTHER, fits[1]), (REAL, fits[2])):
        (found,) = Lines(kept, bench).fits("sputter")
        assert (found.slope, found.bench, found.id) == (fit.slope, bench.name, fit.id)
    assert path.read_bytes() == before


def test_fits_of_before_whose_runs_tell_nothing_are_left_alone_with_a_word(kept, made, caplog):
    here, elsewhere, untold = made(), made("other"), made(devices={})
    several = [("gone",), (here, elsewhere), (untold,)]
    keep_as_before(kept, *(Line(1.0, (0.0, 2.0), runs=runs, time=1.0) for runs in several))
    assert Lines(kept).fits("sputter") == ()
    assert len(caplog.messages) == 1
    assert "3 fits are left alone: " in caplog.messages[0]


def test_a_film_that_was_calibrated_before_conditions_were_noted_is_cold_and_without_bias(tmp_path):
    rates = FilmRates(tmp_path, BENCH)
    fit = replace(FILM, bench="sputter", real=False, measured={"w": (1e-7, 1e-9)})
    told = {
        key: value for key, value in asdict(fit).items() if key not in ("bias_power", "temperature", "gases")
    }
    rates.path("sputter").parent.mkdir(parents=True)
    rates.path("sputter").write_text(json.dumps(told) + "\n")
    assert rates.fits("sputter") == (fit,)


def test_a_line_that_is_no_fit_is_named(kept, made):
    lines = Lines(kept)
    lines.fit("sputter", [made()])
    with lines.path("sputter").open("a") as file:
        file.write('{"slope": 1')
    with pytest.raises(Corrupt, match=r"sputter\.jsonl:2 is no fit"):
        lines.fits("sputter")
