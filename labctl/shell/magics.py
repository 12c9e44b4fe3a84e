"""Magics: %lab %safe %rehearse %last %plot %watch of ours, %mov %movr %ct of bluesky's, %wa with units."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from IPython.core.magic import Magics, line_magic, magics_class

from devices.base import Quantity, Station
from devices.errors import LabError
from labctl.config.folder import Config
from labctl.mistyped import Mistyped
from labctl.shell.looking_on import LookingOn, LooksOn
from labctl.shell.overview import in_words, overview
from labctl.shell.words import powered

if TYPE_CHECKING:
    from labctl.session import Session


@magics_class
class LabMagics(Magics):
    """What can be typed with a percent sign; none of it needs parentheses or quotes."""

    def __init__(
        self, shell: Any, config: Config, data: Path, lab: Session | None, beside: LookingOn | None = None
    ) -> None:
        super().__init__(shell)
        self._names: dict[str, Any] = shell.user_ns
        self._config, self._data, self._session, self._beside = config, data, lab, beside
        self._blueskys: Any = None
        self.viewers: list[subprocess.Popen[bytes]] = []

    @line_magic
    def lab(self, line: str) -> None:
        """Show all stations, one line each: state, owner, interlocks, age of the last reading. No port is touched."""
        print(in_words(overview(self._data, self._session)))

    @line_magic
    def safe(self, line: str) -> None:
        """Bring every device to its safe state, and say what it is then."""
        lab = self._bench()
        lab.safe()
        print(f"safe: {powered(lab)}")

    @line_magic
    def rehearse(self, line: str) -> None:
        """Try a plan on the twins in virtual time: %rehearse anneal(lamp, film, recipe), or %rehearse EXPERIMENT.

        Nothing real is touched, nothing is kept. It prints the timeline, peaks, margins, charge, rows and disk.
        """
        from labctl.rehearsing.call import read_call
        from labctl.rehearsing.rehearsal import rehearse_call, rehearse_experiment
        from labctl.rehearsing.telling import tell

        text = line.strip()
        if not text:
            raise Mistyped("say what: %rehearse anneal(lamp, film, recipe), or the name of an experiment")
        if text in self._config.names("experiment") or text.endswith(".toml"):
            bench = self._beside.bench if self._beside is not None else str(self._bench().bench.file)
            chosen = self._config.select(bench, [text])
            tell(rehearse_experiment(chosen.experiments[0], chosen.bench, chosen.limits, self._data))
        else:
            lab = self._bench()
            tell(rehearse_call(lab, read_call(text, self._names)))

    @line_magic
    def last(self, line: str) -> None:
        """Show the last run, or another: %last, %last 1a2b3c4d."""
        from labctl.showing.run import print_run

        print_run(line.strip() or "last", "", "", 12, self._data)

    @line_magic
    def plot(self, line: str) -> None:
        """Draw the pictures of the last run, or of another, into files, and say where: %plot, %plot 1a2b3c4d."""
        from labctl.runs.run import Run

        print(*Run(line.strip() or "last", self._data).plot().save(), sep="\n")

    @line_magic
    def watch(self, line: str) -> None:
        """Follow runs from another process: a window with a picture, or a file where there is no display."""
        from labctl.live.showing import has_display

        picture = self._data / "pictures" / "live.png"
        how = ["--window"] if has_display() else ["--picture", str(picture)]
        command = [sys.executable, "-P", "-m", "labctl", "watch", line.strip() or "last"]
        viewer = subprocess.Popen(
            [*command, *how, "--quiet", "--data", str(self._data)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self.viewers.append(viewer)
        where = "a window" if has_display() else f"{picture} (no display here), drawn again as a run goes on"
        print(f"{where}; process {viewer.pid} follows the journals and ends with this shell")

    @line_magic
    def mov(self, line: str) -> Any:
        """Set a value and wait: %mov lamp.charger.voltage 100. Nothing is kept."""
        what = _pairs(line, "%mov lamp.charger.voltage 100")
        return self._of_bluesky().mov(what)

    @line_magic
    def movr(self, line: str) -> Any:
        """Change a value by so much and wait. Nothing is kept."""
        what = _pairs(line, "%movr lamp.charger.voltage 10")
        return self._of_bluesky().movr(what)

    @line_magic
    def ct(self, line: str) -> Any:
        """Read devices by their labels, all stations if none is named. Nothing is kept."""
        return self._of_bluesky().ct(line)

    @line_magic
    def wa(self, line: str) -> None:
        """Show where everything is that can be set: value, unit, range. Asks the instruments."""
        found = list(self._settable(line.split()))
        if not found:
            print("nothing here is set by hand: recipes and programs hold every setpoint")
            return
        rows = [("", "value", "unit", "low", "high"), *found]
        widths = [max(len(row[column]) for row in rows) for column in range(5)]
        for name, *cells in rows:
            shown = "  ".join(cell.rjust(width) for cell, width in zip(cells, widths[1:], strict=True))
            print(f"{name.ljust(widths[0])}  {shown}".rstrip())

    def end_viewers(self) -> None:
        """End the viewers that %watch began."""
        for viewer in self.viewers:
            viewer.terminate()
            viewer.wait()

    def _bench(self) -> Session:
        if self._session is None:
            raise LooksOn(f"{self._beside}; nothing was done")
        return self._session

    def _settable(self, names: list[str]) -> Iterator[tuple[str, ...]]:
        devices = self._bench().devices
        if unknown := [name for name in names if name not in devices]:
            raise Mistyped(f"there is no {', '.join(unknown)} here; there is {', '.join(devices)}")
        for name in names or devices:
            station = devices[name]
            for part, instrument in station.instruments.items() if isinstance(station, Station) else ():
                for attribute in instrument.component_names:
                    quantity = getattr(instrument, attribute)
                    if isinstance(quantity, Quantity) and quantity.can_be_set:
                        yield _row(f"{name}.{part}.{attribute}", quantity)

    def _of_bluesky(self) -> Any:
        """Return bluesky's magics, on an engine of this session: it knows leases, the clock, and Ctrl-C."""
        if self._blueskys is None:
            from bluesky.magics import BlueskyMagics

            self._blueskys = BlueskyMagics(self.shell)
            self._blueskys.RE = self._bench().passing_engine()
        return self._blueskys


def _pairs(line: str, example: str) -> str:
    if not line.split() or len(line.split()) % 2:
        raise Mistyped(f"name what is to be set, and a value for it: {example}; %wa lists what can be set")
    return line


def _row(name: str, quantity: Quantity) -> tuple[str, ...]:
    try:
        value: Any = quantity.parent.clock.call(quantity.get)
    except LabError as error:
        value = f"-- ({error})"
    shown = f"{value:.6g}" if isinstance(value, int | float) else str(value)
    low, high = (f"{end:g}" if abs(end) != float("inf") else "" for end in quantity.limits)
    return name, shown, quantity.unit, low, high
