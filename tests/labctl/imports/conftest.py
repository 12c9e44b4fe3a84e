"""Small files as EC-Lab and BTS write them, made here: a cell that charges, rests and discharges twice."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from labctl.config.folder import Config
from labctl.imports.dates import Dates
from labctl.imports.run_import import import_file
from labctl.runs.run import Run

ROWS = 40
CURRENT = 2e-5


def cell() -> SimpleNamespace:
    """Rows of 2 cycles of charge, rest, discharge, 10 s apart; step times begin anew with each step."""
    parts = []
    for cycle in (1, 2):
        for step, sign in enumerate((1, 0, -1), start=1):
            x = np.arange(ROWS) / (ROWS - 1)
            voltage = {1: 3.6 + 0.6 * x, 0: 4.15 + 0 * x, -1: 4.1 - 0.7 * x}[sign]
            parts.append([(cycle, step, sign, 10.0 * n, voltage[n], sign * CURRENT) for n in range(ROWS)])
    rows = [row for part in parts for row in part]
    cycle, step, sign, step_time, voltage, current = map(np.array, zip(*rows, strict=True))
    offset = np.repeat(np.arange(len(parts)) * 10.0 * (ROWS - 1), ROWS)
    return SimpleNamespace(
        cycle=cycle, step=step, sign=sign, step_time=step_time, time=step_time + offset, voltage=voltage,
        current=current, half=np.repeat(np.arange(len(parts)) // 2, ROWS),
    )  # fmt: skip


def clock(seconds: float) -> str:
    """Return a duration as h:min:s.ms."""
    return f"{int(seconds // 3600)}:{int(seconds // 60 % 60):02d}:{seconds % 60:06.3f}"


def mpt_text(
    columns: list[str], rows: list[list[object]], *, technique: str = "GCPL", comma: bool = False
) -> str:
    """Return a file as EC-Lab exports it."""
    said = [
        "",
        technique,
        "",
        "Run on channel : 3 (SN 1234)",
        "Acquisition started on : 03/14/2023 09:26:53.500",
        "EC-Lab for windows v11.43 (software)",
        "Electrode surface area : 0.150 cm²",
        "",
    ]
    head = ["EC-Lab ASCII FILE", f"Nb header lines : {len(said) + 3}", *said, "\t".join(columns)]
    body = [
        "\t".join(f"{cell:.15E}" if isinstance(cell, float) else str(cell) for cell in row) for row in rows
    ]
    text = "\r\n".join([*head, *(line.replace(".", ",") if comma else line for line in body)])
    return text + "\r\n"


@pytest.fixture
def rows() -> SimpleNamespace:
    return cell()


@pytest.fixture
def mpt() -> Callable[..., str]:
    def write(*, comma: bool = False, unit: str = "mA") -> str:
        c = cell()
        factor = {"mA": 1e3, "A": 1.0, "µA": 1e6}[unit]
        columns = ["mode", "error", "Ns", "time/s", "Ewe/V", f"<I>/{unit}", "cycle number", "(Q-Qo)/mA.h"]
        charge = (
            np.concatenate([[0.0], np.cumsum(0.5 * (c.current[1:] + c.current[:-1]) * np.diff(c.time))]) / 3.6
        )
        mode = np.where(c.sign == 0, 3, 1)
        table = zip(mode, c.step - 1, c.time, c.voltage, c.current * factor, c.cycle, charge, strict=True)
        return mpt_text(columns, [
            [int(m), 0, int(s), float(t), float(v), float(i), float(n), float(q)] for m, s, t, v, i, n, q in table
        ], comma=comma)  # fmt: skip

    return write


@pytest.fixture
def peis() -> str:
    """Two spectra of 20 ohm and 100 ohm with 1 uF beside it."""
    columns = ["freq/Hz", "Re(Z)/Ohm", "-Im(Z)/Ohm", "|Z|/Ohm", "Phase(Z)/deg", "time/s", "<Ewe>/V", "<I>/mA"]
    lines = []
    for spectrum in (0, 1):
        for n, frequency in enumerate(np.logspace(5, 0, 21)):
            z = 20 + 100 / (1 + 2j * np.pi * frequency * 1e-6 * 100)
            time = 100.0 * spectrum + 2.0 * n
            lines.append([float(frequency), z.real, -z.imag, abs(z), 0.0, time, 3.9, 0.001])
    return mpt_text(columns, lines, technique="Potentio Electrochemical Impedance Spectroscopy")


@pytest.fixture
def voltammogram() -> Callable[..., str]:
    """Two and a half triangles of 5 mV/s between 3.0 and 4.2 V with noise [V], a wave at 3.9 V."""

    def write(noise: float) -> str:
        time = np.arange(1200) * 0.5
        voltage = 4.2 - np.abs(time * 5e-3 % 2.4 - 1.2) + noise * np.random.default_rng(1).normal(size=1200)
        wave = 1e-5 * np.exp(-(((voltage - 3.9) / 0.1) ** 2)) + 1e-6
        current = wave * np.where(time * 5e-3 % 2.4 < 1.2, 1.0, -1.0)
        columns = ["mode", "error", "Ns", "time/s", "Ewe/V", "<I>/mA"]
        lines = [
            [2, 0, 0, float(t), float(v), float(i) * 1e3]
            for t, v, i in zip(time, voltage, current, strict=True)
        ]
        return mpt_text(columns, lines, technique="Cyclic Voltammetry")

    return write


@pytest.fixture
def neware() -> Callable[..., str]:
    def write(dialect: str = "flat", *, unsigned: bool = False) -> str:
        c = cell()
        kinds = {1: "CC Chg", 0: "Rest", -1: "CC DChg"}
        current = np.abs(c.current) if unsigned else c.current
        table = list(zip(c.cycle, c.step, c.sign, c.step_time, c.time, c.voltage, current, strict=True))
        cap = (np.abs(c.current) * c.step_time / 3600).tolist()
        if dialect == "flat":
            head = "Record ID,Cycle ID,Step ID,Step Name,Time(h:min:s.ms),Voltage(V),Current(mA),Capacity(mAh),Realtime"
            lines = [
                f"{n},{cy},{st},{kinds[si]},\t{clock(t)},{v!r},{i * 1e3!r},{cap[n - 1] * 1e3!r},2023-03-14 09:26:53"
                for n, (cy, st, si, t, _, v, i) in enumerate(_plain(table), start=1)
            ]
        elif dialect == "bts8":
            head = (
                "DataPoint,Cycle Index,Step Index,Step Type,Time,Total Time,Current(A),Voltage(V),Capacity(Ah),"
                "Spec. Cap.(mAh/g),Chg. Cap.(Ah),DChg. Cap.(Ah),Date,Power(W)"
            )
            lines = [
                f"{n},{cy},{st},{kinds[si]},{clock(t)},{clock(total)},{i!r},{v!r},{cap[n - 1]!r},0,"
                f"{cap[n - 1] if si > 0 else 0.0!r},{cap[n - 1] if si < 0 else 0.0!r},2023-03-14 09:26:53,0"
                for n, (cy, st, si, t, total, v, i) in enumerate(_plain(table), start=1)
            ]
        elif dialect == "chinese":
            kinds = {1: "恒流充电", 0: "搁置", -1: "恒流放电"}
            head = "数据序号,循环号,工步号,工步类型,时间,总时间,电流(A),电压(V),容量(Ah),绝对时间"
            lines = [
                f"{n},{cy},{st},{kinds[si]},{clock(t)},{clock(total)},{i!r},{v!r},{cap[n - 1]!r},2023-03-14 09:26:53"
                for n, (cy, st, si, t, total, v, i) in enumerate(_plain(table), start=1)
            ]
        else:
            head = 'Cycle ID,"\tCap_Chg(mAh)","\tEngy_Chg(mWh)",,,,\n'
            head += ',"\tStep ID","\tStep Name","\tStep Time(h:min:s.ms)",,,\n'
            head += ',,"\tRecord ID","\tTime(h:min:s.ms)","\tVoltage(V)","\tCurrent(mA)","\tRealtime"'
            lines, before = [], (0, 0)
            for n, (cy, st, si, t, _, v, i) in enumerate(_plain(table), start=1):
                if cy != before[0]:
                    lines.append(f'{cy},"\t0.0","\t0.0",,,,')
                if (cy, st) != before:
                    lines.append(f',"\t{st}","\t{kinds[si]}","\t{clock(390)}",,,')
                before = (cy, st)
                lines.append(f',,"\t{n}","\t{clock(t)}","\t{v!r}","\t{i * 1e3!r}","\t03/14/2023 09:26:53"')
        return "\n".join([head, *lines]) + "\n"

    return write


def _plain(table: list[tuple[np.generic, ...]]) -> list[tuple[float, ...]]:
    return [tuple(each.item() for each in row) for row in table]


@pytest.fixture
def kept(tmp_path: Path) -> Callable[..., Run]:
    """Import a text, or bytes, under a name and return its run."""

    def keep(
        name: str,
        content: str | bytes,
        encoding: str = "utf-8",
        as_format: str = "",
        dates: Dates | None = None,
    ) -> Run:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
        done = import_file(path, Config().sample("lco-0.7um"), tmp_path / "data", as_format, dates)
        return Run(done.path)

    return keep
