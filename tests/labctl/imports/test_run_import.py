from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from devices.cycling.cells import SECONDS_PER_HOUR
from labctl.pictures.cycle import cycle_figures
from labctl.runs.remarks import mark_run
from labctl.runs.run import Run
from labctl.samples.attachments import attachments

Keep = Callable[..., Run]

CHARGE = 2e-5 * 390 / SECONDS_PER_HOUR
"""Ah of each charge and each discharge of the cell in conftest."""

NEWARE = ("flat", "bts8", "chinese", "layered")


def held(run: Run, rows: SimpleNamespace) -> None:
    table = run.table()
    assert np.allclose(table["test_time"], rows.time, rtol=1e-12)
    assert np.allclose(table["voltage"], rows.voltage, rtol=1e-12)
    assert np.allclose(table["current"], rows.current, rtol=1e-12, atol=1e-20)
    assert table["cycle"].tolist() == rows.cycle.tolist()
    cycles = run.table("cycles")
    assert cycles["cycle"].tolist() == [1, 2]
    assert np.allclose(cycles["charge_capacity"], CHARGE, rtol=2e-2)
    assert np.allclose(cycles["discharge_capacity"], CHARGE, rtol=2e-2)
    assert np.allclose(cycles["end_voltage_rest"], 4.15)
    techniques = run.table("steps")["technique"].tolist()
    assert techniques == ["constant_current", "open_circuit", "constant_current"] * 2


@pytest.mark.parametrize("dialect", NEWARE)
def test_every_dialect_of_neware_has_the_same_rows(
    kept: Keep, neware: Callable[..., str], rows: SimpleNamespace, dialect: str
) -> None:
    held(kept("cell.csv", neware(dialect)), rows)


@pytest.mark.parametrize("dialect", NEWARE)
def test_currents_without_a_sign_get_it_from_the_type_of_the_step(
    kept: Keep, neware: Callable[..., str], rows: SimpleNamespace, dialect: str
) -> None:
    run = kept("cell.csv", neware(dialect, unsigned=True))
    held(run, rows)
    assert "positive on discharge" in " ".join(run.table("events")["text"])


def said_of(run: Run) -> str:
    return " ".join(run.table("events")["text"])


def test_columns_of_ec_lab_that_are_not_kept_are_told(kept: Keep, mpt: Callable[..., str]) -> None:
    header, told = "(Q-Qo)/mA.h", "Analog IN 1/V"
    lines = mpt().split("\r\n")
    at = next(place for place, line in enumerate(lines) if header in line)
    more = [line and f"{line}\t0.5" for line in lines[at + 1 :]]
    run = kept("a.mpt", "\r\n".join([*lines[:at], f"{lines[at]}\t{told}", *more]))
    assert f"columns that labctl does not keep: error, {told}" in said_of(run)


@pytest.mark.parametrize(
    ("dialect", "told"),
    [
        ("bts8", "Spec. Cap.(mAh/g), Power(W)"),
        ("layered", "Cap_Chg(mAh), Engy_Chg(mWh), Step Time(h:min:s.ms)"),
    ],
)
def test_columns_of_neware_that_are_not_kept_are_told(
    kept: Keep, neware: Callable[..., str], dialect: str, told: str
) -> None:
    assert f"columns that labctl does not keep: {told}" in said_of(kept("a.csv", neware(dialect)))


@pytest.mark.parametrize("dialect", ["flat", "chinese"])
def test_nothing_is_told_where_every_column_is_kept(
    kept: Keep, neware: Callable[..., str], dialect: str
) -> None:
    assert "does not keep" not in said_of(kept("a.csv", neware(dialect)))


def test_the_file_itself_is_attached_to_its_sample(
    kept: Keep, mpt: Callable[..., str], tmp_path: Path
) -> None:
    run = kept("old.mpt", mpt())
    ((fact, copy),) = attachments(tmp_path / "data", "lco-0.7um")
    assert copy.read_bytes() == (tmp_path / "old.mpt").read_bytes()
    assert fact["sha256"] == run.start["source"]["sha256"]
    assert run.uid[:8] in fact["note"]


def in_german(text: str, delimiter: str = ";") -> str:
    """Return a table as a spreadsheet in German writes it, dates and durations with points too."""
    return re.sub(r"(?<=\d)\.(?=\d)", ",", text.replace(",", delimiter))


@pytest.mark.parametrize("dialect", NEWARE)
@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_neware_with_decimal_commas_has_the_same_rows(
    kept: Keep, neware: Callable[..., str], rows: SimpleNamespace, dialect: str, delimiter: str
) -> None:
    text = neware(dialect).replace("\t", "")
    held(kept("cell.csv", in_german(text, delimiter)), rows)
    with_points = re.sub(r"(:\d\d),(?=\d{3})", r"\1.", in_german(text, delimiter))
    held(kept("points.csv", with_points), rows)


def test_decimal_commas_and_points_in_one_table_are_refused(
    refuse: Callable[..., str], neware: Callable[..., str]
) -> None:
    text = neware("bts8").replace(",", ";")
    assert "not a number" in refuse("cell.csv", text.replace("3.6;", "3,6;", 1))


@pytest.mark.parametrize("dialect", NEWARE)
def test_a_form_before_the_header_is_left_out(
    kept: Keep, neware: Callable[..., str], rows: SimpleNamespace, dialect: str
) -> None:
    held(kept("cell.csv", f"Barcode,ABC\nStart time,2025-03-04 10:00:00\n\n{neware(dialect)}"), rows)


@pytest.mark.parametrize("dialect", ["flat", "bts8"])
def test_cells_that_a_spreadsheet_keeps_as_text_are_read(
    kept: Keep, neware: Callable[..., str], rows: SimpleNamespace, dialect: str
) -> None:
    lines = neware(dialect).replace("\t", "").splitlines()
    quoted = [",".join(f'="{cell}"' for cell in line.split(",")) for line in lines]
    held(kept("cell.csv", "\n".join(quoted) + "\n"), rows)


def test_durations_with_days_are_read(kept: Keep, neware: Callable[..., str], rows: SimpleNamespace) -> None:
    held(kept("cell.csv", re.sub(r"\b\d+:\d\d:\d\d\.\d{3}", r"0:\g<0>", neware("bts8"))), rows)


def test_chinese_text_comes_in_its_own_encoding(
    kept: Keep, neware: Callable[..., str], rows: SimpleNamespace
) -> None:
    held(kept("cell.csv", neware("chinese"), encoding="gb18030"), rows)


@pytest.mark.parametrize("unit", ["mA", "A", "µA"])
@pytest.mark.parametrize("comma", [False, True])
def test_ec_lab_text_has_the_same_rows_in_every_unit_and_locale(
    kept: Keep, mpt: Callable[..., str], rows: SimpleNamespace, unit: str, comma: bool
) -> None:
    run = kept("cell.mpt", mpt(unit=unit, comma=comma), encoding="latin-1")
    held(run, rows)
    assert run.start["source"]["software"] == "EC-Lab v11.43"
    assert run.start["source"]["technique"] == "GCPL"


def test_decimal_commas_of_ec_lab_are_told_by_more_than_the_first_row(
    kept: Keep, mpt: Callable[..., str], rows: SimpleNamespace
) -> None:
    lines = mpt(comma=True).split("\r\n")
    for number in range(11, 14):
        # A clock of whole seconds and a cell that is not connected yet.
        fields = lines[number].split("\t")
        fields[3:5] = [str(10 * (number - 11)), "0"]
        fields[5], fields[7] = "0", "0"
        lines[number] = "\t".join(fields)
    table = kept("cell.mpt", "\r\n".join(lines)).table()
    assert np.allclose(table["test_time"], rows.time)
    assert np.allclose(table["voltage"][3:], rows.voltage[3:])


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_ec_lab_text_is_read_in_every_unicode(
    kept: Keep, mpt: Callable[..., str], rows: SimpleNamespace, encoding: str
) -> None:
    held(kept("cell.mpt", mpt(unit="µA"), encoding=encoding), rows)


def test_spectra_go_to_the_impedance_stream(kept: Keep, peis: str) -> None:
    run = kept("peis.mpt", peis, encoding="latin-1")
    table = run.table("impedance")
    assert run.start["purpose"] == "eis"
    assert sorted(set(table["spectrum"].tolist())) == [1, 2]
    z = 20 + 100 / (1 + 2j * np.pi * table["frequency"] * 1e-6 * 100)
    assert np.allclose(table["z_real"] + 1j * table["z_imag"], z)
    assert np.allclose(table["dc_current"], 1e-6)


def test_a_file_imported_twice_is_refused(
    kept: Keep, mpt: Callable[..., str], refuse: Callable[..., str]
) -> None:
    run = kept("cell.mpt", mpt())
    assert f"was imported before, as run {run.uid[:8]}" in refuse("copy.mpt", mpt())


def test_a_file_whose_run_was_marked_bad_may_be_imported_again(kept: Keep, mpt: Callable[..., str]) -> None:
    first = kept("cell.mpt", mpt())
    mark_run(first.path, "bad", "the wrong time zone", time=0.0, who="me")
    second = kept("cell.mpt", mpt())
    assert second.uid != first.uid
    np.testing.assert_array_equal(second.table()["voltage"], first.table()["voltage"])


@pytest.mark.parametrize("noise", [0.0, 2e-4])
def test_a_cyclic_voltammogram_is_known_by_its_ramps(
    kept: Keep, voltammogram: Callable[..., str], noise: float
) -> None:
    assert set(kept("cv.mpt", voltammogram(noise)).table("steps")["technique"]) == {"voltage_ramp"}


def test_an_imported_run_says_with_which_code_and_where_it_was_imported(
    kept: Keep, mpt: Callable[..., str]
) -> None:
    start = kept("cell.mpt", mpt()).start
    assert {"versions", "git", "operator", "host", "machine", "command"} <= start.keys()


def test_a_run_that_cannot_be_written_to_its_end_leaves_nothing(
    kept: Keep, mpt: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from labctl.journal.documents import Journal

    written = Journal.__call__

    def until_steps(self: Journal, name: str, doc: dict[str, object]) -> None:
        if doc.get("name") == "steps":
            raise KeyboardInterrupt
        written(self, name, doc)

    monkeypatch.setattr(Journal, "__call__", until_steps)
    with pytest.raises(KeyboardInterrupt):
        kept("cell.mpt", mpt())
    assert list((tmp_path / "data").rglob("*")) == []


@pytest.fixture
def refuse(tmp_path: Path, kept: Keep) -> Callable[..., str]:
    """Import what must be refused; return what was said, one sentence, with nothing kept."""
    from devices.errors import DataError

    def check(name: str, content: str | bytes, **options: str) -> str:
        before = sorted((tmp_path / "data").rglob("*"))
        with pytest.raises(DataError) as caught:
            kept(name, content, **options)
        assert sorted((tmp_path / "data").rglob("*")) == before
        said = str(caught.value)
        assert "\n" not in said
        assert len(said) < 600
        return said

    return check


def broken(text: str, line: int, old: str, new: str) -> str:
    lines = text.split("\n")
    assert old in lines[line - 1]
    lines[line - 1] = lines[line - 1].replace(old, new)
    return "\n".join(lines)


def test_what_is_no_table_is_refused_by_what_it_is(refuse: Callable[..., str]) -> None:
    assert "is empty" in refuse("a.csv", "")
    assert "web page" in refuse("a.csv", "<!DOCTYPE html><html><body>log in</body></html>")
    assert ".mpr; export it as text" in refuse("a.mpr", b"BIO-LOGIC MODULAR FILE\x1a\0\0")
    assert ".nda; export it as CSV" in refuse("a.nda", b"NEWARE\0\0\0")
    assert "save it as CSV" in refuse("a.xlsx", b"PK\x03\x04rest")
    assert "is binary" in refuse("a.csv", bytes(range(256)) * 4)
    assert "known by its first lines" in refuse("a.csv", "milk,bread\n1,2\n")
    assert "does not begin with" in refuse("a.csv", "milk,bread\n1,2\n", as_format="mpt")
    assert "has no column" in refuse("a.csv", "milk,bread\n1,2\n", as_format="bdf")
    assert "names no column for" in refuse("a.csv", "milk,bread\n1,2\n", as_format="neware")


def test_a_word_among_numbers_is_named_with_its_line(
    refuse: Callable[..., str], mpt: Callable[..., str], neware: Callable[..., str]
) -> None:
    assert "a.csv:5: Voltage(V) is 'high', which is not a number" in refuse(
        "a.csv", broken(neware(), 5, neware().split("\n")[4].split(",")[5], "high")
    )
    assert "which is not a duration" in refuse("b.csv", broken(neware(), 3, "0:00:10.000", "0:10:99:1"))
    assert "which is not a number" in refuse("a.mpt", broken(mpt(), 13, "E+01", "E+9999"))


def test_time_that_goes_back_is_refused(refuse: Callable[..., str], mpt: Callable[..., str]) -> None:
    lines = mpt().split("\r\n")
    lines[14], lines[15] = lines[15], lines[14]
    assert ":16: time goes back from 40 to 30" in refuse("a.mpt", "\r\n".join(lines))


def test_a_missing_column_or_unit_is_named(
    refuse: Callable[..., str], mpt: Callable[..., str], neware: Callable[..., str]
) -> None:
    assert "a.mpt:11: names no column I/mA or <I>/mA" in refuse("a.mpt", mpt().replace("<I>/mA", "<J>/mA"))
    assert "unknown unit" in refuse("b.mpt", mpt().replace("<I>/mA", "<I>/furlong"))
    assert "names no column for voltage" in refuse("a.csv", neware().replace("Voltage(V)", "U"))
    assert "no unit that is known: a, ma" in refuse("b.csv", neware().replace("Current(mA)", "Current"))
    assert "which is meant?" in refuse("c.csv", neware().replace("Capacity(mAh)", "Current(A)"))


def test_amperes_called_milliamperes_are_found_by_the_charge(
    refuse: Callable[..., str], neware: Callable[..., str]
) -> None:
    assert "one of the units in the header is wrong" in refuse(
        "a.csv", neware().replace("Current(mA)", "Current(A)")
    )


@pytest.mark.parametrize("cut", [0, 1, 3, 60])
def test_a_last_line_without_an_end_is_left_out_and_said(
    kept: Keep, mpt: Callable[..., str], neware: Callable[..., str], cut: int
) -> None:
    texts = {"a.mpt": mpt(), **{f"{dialect}.csv": neware(dialect) for dialect in NEWARE}}
    for name, text in texts.items():
        whole = text.rstrip()
        run = kept(name, whole[: len(whole) - cut])
        assert len(run.table()["voltage"]) == 239
        assert "the last line has no end and was left out" in run.table("events")["text"].tolist()


def test_a_number_cut_within_is_no_reading(kept: Keep, neware: Callable[..., str]) -> None:
    columns = [0, 1, 2, 3, 4, 5, 7, 8, 6]
    lines = [",".join(line.split(",")[place] for place in columns) for line in neware().splitlines()]
    assert lines[-1].endswith("-0.02")
    current = kept("a.csv", "\n".join(lines)[:-1]).table()["current"]
    assert len(current) == 239
    assert np.allclose(np.unique(current), [-2e-5, 0.0, 2e-5])


def test_a_step_of_a_layered_file_that_has_no_records_yet_takes_no_record_away(
    kept: Keep, neware: Callable[..., str], rows: SimpleNamespace
) -> None:
    held(kept("a.csv", neware("layered") + ',"\t4","\tRest"'), rows)


def test_a_short_line_in_the_middle_is_refused(
    refuse: Callable[..., str], neware: Callable[..., str]
) -> None:
    lines = neware().split("\n")
    lines[9] = lines[9][:20]
    assert "a.csv:10: has fewer than" in refuse("a.csv", "\n".join(lines))


def test_a_failed_reading_is_kept_with_a_flag(kept: Keep, neware: Callable[..., str]) -> None:
    lines = neware().split("\n")
    fields = lines[10].split(",")
    fields[5] = ""
    lines[10] = ",".join(fields)
    table = kept("a.csv", "\n".join(lines)).table()
    assert np.flatnonzero(np.isnan(table["voltage"])).tolist() == [9]
    assert np.flatnonzero(table["flags"]).tolist() == [9]


def test_a_counter_too_coarse_for_the_current_is_not_believed(kept: Keep, neware: Callable[..., str]) -> None:
    head, *lines = neware().splitlines()
    rounded = [
        ",".join([*(cells := line.split(","))[:7], f"{float(cells[7]):.3f}", cells[8]]) for line in lines
    ]
    run = kept("a.csv", "\n".join([head, *rounded]) + "\n")
    assert np.allclose(run.table("cycles")["charge_capacity"], CHARGE, rtol=1e-9)
    said = run.table("events")["text"].tolist()
    assert "charge is integrated here: the file counts too coarsely for this current" in said
    assert "energy is integrated here: the file counts none" in said


def test_it_is_said_which_of_charge_and_energy_is_integrated_and_why(
    kept: Keep, neware: Callable[..., str]
) -> None:
    def said(name: str, text: str) -> list[str]:
        return [each for each in kept(name, text).table("events")["text"] if "integrated" in each]

    assert said("a.csv", neware()) == ["energy is integrated here: the file counts none"]
    uncounted = neware().replace("Capacity(mAh)", "Field")
    assert said("b.csv", uncounted) == ["charge and energy are integrated here: the file counts none"]
    head, first, *others = neware().splitlines()
    cells = first.split(",")
    gap = ",".join([*cells[:7], "", *cells[8:]])
    assert said("c.csv", "\n".join([head, gap, *others]) + "\n") == [
        "charge is integrated here: the file's counter has gaps",
        "energy is integrated here: the file counts none",
    ]


def test_currents_against_the_type_of_their_steps_are_refused(
    refuse: Callable[..., str], neware: Callable[..., str]
) -> None:
    lines = neware().splitlines()
    lines[20:40] = [line.replace(",0.02", ",-0.02") for line in lines[20:40]]
    assert "otherwise by the sign of its current" in refuse("a.csv", "\n".join(lines) + "\n")


def test_names_of_any_length_and_kind_stay_text(
    kept: Keep, neware: Callable[..., str], refuse: Callable[..., str]
) -> None:
    wide = neware().replace("Realtime", "Realtime," + "x" * 5000 + ",<b>\x1b[31m</b>")
    assert len(kept("a.csv", wide).table()["voltage"]) == 240
    assert len(refuse("b.csv", neware().replace("Current(mA)", "Current(" + "m" * 5000 + ")"))) < 600


def test_a_header_longer_than_its_file_is_refused(
    refuse: Callable[..., str], mpt: Callable[..., str]
) -> None:
    assert "alone should have 9999" in refuse("a.mpt", mpt().replace("lines : 11", "lines : 9999"))
    assert "does not say" in refuse("b.mpt", mpt().replace("Nb header lines : 11", "Nb header lines : many"))


def test_an_imported_run_has_the_pictures_of_our_own(kept: Keep, mpt: Callable[..., str], peis: str) -> None:
    assert {"voltage", "time"} <= cycle_figures(kept("cell.mpt", mpt()), "cell").keys()
    assert set(cycle_figures(kept("peis.mpt", peis), "cell")) == {"nyquist"}


def test_documents_of_an_import_are_those_of_event_model(
    kept: Keep, mpt: Callable[..., str], peis: str
) -> None:
    from event_model import DocumentNames, schema_validators

    for run in (kept("cell.mpt", mpt()), kept("peis.mpt", peis)):
        for name, doc in run.documents:
            schema_validators[DocumentNames[name]].validate(doc)
