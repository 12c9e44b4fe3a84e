"""The sections of a report, the most important first: what needs a person."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from devices.errors import DataError
from labctl.how_many import how_many
from labctl.report import impedance, measured
from labctl.report.gathering import Gathered, ItemTold, RunTold
from labctl.report.pictures import run_pictures, timeline
from labctl.report.sections import Row, Section, Table
from labctl.report.words import advice, is_left_out, lasted, when
from labctl.runs.index import ask_index
from labctl.runs.run import Run
from labctl.state import Said
from labctl.telling.alarms import Alarm, worst_first

DONE = "done"

JOULES_IN_KWH = 3.6e6

WEAR: Mapping[str, tuple[str, float, str]] = {
    "flash_count": ("flashes by its own board", 1.0, ""),
    "target_energy_total": ("energy into the target", JOULES_IN_KWH, "kWh"),
    "crystal_life": ("crystal life", 1.0, ""),
}
"""Readings that tell of wear, by the end of their names: what they are, what they are divided by, their unit then."""

MESSAGES = {
    "tested": "test",
    "delivered": "delivered",
    "refused": "refused",
    "given_up": "given up",
    "wanted_by_nobody": "wanted by nobody",
}


def sections(found: Gathered) -> tuple[Section, ...]:
    """Return all sections of a report, in their order."""
    undrawn: list[str] = []
    pictures = tuple(run_pictures(found.runs, undrawn))
    parts = (
        what_needs_you(found),
        Section("Notes", tuple(filter(None, found.notes.splitlines()))),
        what_ran(found),
        what_stopped(found),
        what_is_safe(found),
        load_next(found),
        *predicted_and_measured(found),
        rehearsed_and_real(found),
        wear(found),
        alarms(found),
        orders(found),
        messages(found),
    )
    troubles = Section("Documents that could not be read", tuple(dict.fromkeys(found.troubles)))
    return (*parts, troubles, Section("Pictures", tuple(undrawn), pictures=pictures))


def needing(found: Gathered) -> tuple[list[Row], list[str]]:
    """Return what needs a person, the worst first, and the severity of each."""
    rows: list[Row] = []
    marks: list[str] = []
    for alarm in _open(found.alarms):
        said = alarm.condition
        rows.append(
            (said.severity, said.source, said.text, when(said.since), _what_to_do(found, alarm), alarm.id)
        )
        marks.append(said.severity)
    if found.night and not (found.over or found.running):
        do = f"labctl night --resume {found.night}"
        rows.insert(0, ("alarm", "the night", "it did not come to its end", when(found.end), do, ""))
        marks.insert(0, "alarm")
    if found.troubles:
        text = f"{how_many(len(found.troubles), 'document')} could not be read; see below"
        rows.append(("warning", "documents", text, "", "labctl verify", ""))
        marks.append("warning")
    if found.unsent:
        text = f"{found.unsent} messages could not be sent yet"
        rows.append(("warning", "telling", text, "", "look at telling.toml and the service", ""))
        marks.append("warning")
    return rows, marks


def _open(alarms: Iterable[Alarm]) -> list[Alarm]:
    """Return alarms that nobody acknowledged, the worst first."""
    return worst_first({each.id: each for each in alarms if each.open and each.condition.severity != "info"})


def what_needs_you(found: Gathered) -> Section:
    """Return what a person has to look at."""
    rows, marks = needing(found)
    header = ("severity", "where", "what", "since", "what to do", "alarm")
    lines = ("When you know of an alarm, say so: labctl acknowledge ALARM.",) if found.alarms and rows else ()
    table = Table(header, tuple(rows), tuple(marks))
    return Section("What needs you", lines if rows else (), (table,), empty="Nothing.")


def _what_to_do(found: Gathered, alarm: Alarm) -> str:
    said = alarm.condition
    kind, _, name = said.source.partition(" ")
    if said.lasting and alarm.cleared is not None:
        return "it is over by itself; find out why"
    if kind == "item":
        state = next((item.state for item in found.items if item.name == name), None)
        if state is None:
            return "nothing more; the item was removed"
        if state.state == DONE:
            return "nothing more; the item came to its end after that"
        return advice(state.state, state.reason, name, found.night, over=found.over, running=found.running)
    if said.key.startswith("journal "):
        return f"labctl verify {name}, which says what to do"
    if said.key.startswith("event "):
        return f"labctl show {name[:8]} --stream events"
    if said.key.endswith(" latched"):
        return f"look at it, then labctl reset {said.source}"
    if said.key.endswith(" left"):
        return f"look at it, then labctl safe --only {said.source}"
    if said.key.startswith("disk "):
        return "make room"
    return "see output.txt in the night's folder" if found.night else "look at it"


def what_ran(found: Gathered) -> Section:
    """Return items with their runs, or runs alone where there was no list."""
    picture = timeline(found)
    pictures = () if picture is None else (picture,)
    if not found.items:
        columns = ("run", "plan", "sample", "began", "took", "ended")
        alone = tuple(
            (run.uid[:8], run.brief.plan, run.sample, when(run.brief.time), _took(run), run.brief.status)
            for run in found.runs
            if run.brief is not None
        )
        return Section("What ran", tables=(Table(columns, alone),), pictures=pictures, empty="Nothing ran.")
    header = ("item", "sample", "state", "began", "ended", "took", "attempts", "runs")
    rows, marks = [], []
    for item in found.items:
        state = item.state
        took = None if state.began is None or state.ended is None else state.ended - state.began
        runs = "; ".join(_run_in_words(run) for run in item.runs)
        attempts = str(len(state.experiments) or "")
        times = (when(state.began), when(state.ended), lasted(took))
        rows.append((item.name, _sample_of(item), state.state, *times, attempts, runs))
        unmarked = state.state == DONE or is_left_out(state.state, state.reason)
        marks.append("" if unmarked else {"failed": "alarm", "asks": "alarm"}.get(state.state, "warning"))
    return Section("What ran", tables=(Table(header, tuple(rows), tuple(marks)),), pictures=pictures)


def _sample_of(item: ItemTold) -> str:
    label = "" if item.promise is None else item.promise.label
    return f"{item.sample} ({label})" if label else item.sample


def _took(run: RunTold) -> str:
    return "" if run.brief is None else lasted(run.brief.ended - run.brief.time)


def _run_in_words(told: RunTold) -> str:
    if told.run is None or told.brief is None:
        return f"{told.uid[:8]} cannot be read"
    parts = len(told.run.chain)
    more = f" in {parts} parts" if parts > 1 else ""
    mark = f", marked {told.brief.mark}" if told.brief.mark else ""
    ended = "" if told.brief.status == "success" else f", {told.brief.status}"
    return f"{told.uid[:8]} {told.brief.plan} {_took(told)}{more}{ended}{mark}"


def what_stopped(found: Gathered) -> Section:
    """Return every item that did not come to its end, with the reason and what to do."""
    header = ("item", "state", "why", "what to do")
    rows = tuple(
        (
            item.name,
            item.state.state,
            item.state.reason,
            advice(
                item.state.state,
                item.state.reason,
                item.name,
                found.night,
                over=found.over,
                running=found.running,
            ),
        )
        for item in found.items
        if item.state.state != DONE
    )
    ended = [run for run in found.runs if run.brief and not found.items and run.brief.status != "success"]
    stopped = tuple((run.uid[:8], _brief_status(run), _reason(run)) for run in ended)
    tables = (Table(header, rows), Table(("run", "ended", "why"), stopped))
    return Section("What stopped and why", tables=tables)


def _brief_status(run: RunTold) -> str:
    return "" if run.brief is None else run.brief.status


def _reason(run: RunTold) -> str:
    return "" if run.run is None or run.run.stop is None else str(run.run.stop.get("reason", ""))


def what_is_safe(found: Gathered) -> Section:
    """Return how every device was left, who holds it, and who holds the benches."""
    header = ("device", "bench", "safe?", "last word", "said", "age", "holder")
    rows, marks = [], []
    for said in found.devices:
        verdict = _safety(said)
        state = str(said.report.get("state", ""))
        age = lasted(found.end - said.time) or "0 s"
        rows.append((said.device, said.bench, verdict, state, when(said.time), age, _holder(said)))
        marks.append("alarm" if verdict.startswith("NOT") else "")
    locks = tuple(found.locks)
    return Section(
        "What is safe, and who holds it",
        ("Ages are counted from the last word in any of these documents.",) if rows else (),
        (Table(header, tuple(rows), tuple(marks)), Table(("locked", "by"), locks, title="Locks")),
        empty="No device has said anything in this data folder.",
    )


def _safety(said: Said) -> str:
    if said.latched:
        return f"NOT before it is reset: {said.latched}"
    if said.abandoned:
        return "NOT known: its process is gone"
    if said.report.get("state") == "unknown":
        return "NOT known: its link was lost while it ran; look at the instrument"
    if said.report.get("state") == "left running" or (said.died and said.report.get("goes_on_alone")):
        return "goes on by itself, within its instrument's limits"
    if not said.open or said.safe:
        return "yes"
    return "in use"


def _holder(said: Said) -> str:
    if not said.open:
        return "nobody; its session ended in good order"
    lives = "lives" if said.owner.lives else "is gone"
    return f"process {said.owner.pid}, which {lives}"


def load_next(found: Gathered) -> Section:
    """Return what is left to do with which sample, and what can be taken out."""
    left = [
        item
        for item in found.items
        if item.state.state != DONE and not is_left_out(item.state.state, item.state.reason)
    ]
    rows = tuple(
        (
            item.name,
            _sample_of(item),
            _place(found, item.sample),
            advice(
                item.state.state,
                item.state.reason,
                item.name,
                found.night,
                over=found.over,
                running=found.running,
            ),
        )
        for item in left
    )
    waiting = {item.sample for item in left}
    samples = dict.fromkeys(
        filter(None, [item.sample for item in found.items] or [run.sample for run in found.runs])
    )
    out = tuple((sample, _place(found, sample)) for sample in samples if sample not in waiting)
    return Section(
        "What to load next",
        tables=(
            Table(("item", "sample", "is now", "then"), rows, title="To be done"),
            Table(("sample", "is now"), out, title="Done; may be taken out"),
        ),
    )


def _place(found: Gathered, sample: str) -> str:
    fact = found.places.get(sample)
    if fact is None:
        return "was not brought anywhere"
    built = ", a cell is built on it" if fact.get("built") else ""
    place = fact.get("place")
    later = {
        name: other["time"]
        for name, other in found.places.items()
        if place and other.get("place") == place and other["time"] > fact["time"]
    }
    if later:
        return f"was at {place}, where {max(later, key=later.__getitem__)} is now{built}"
    return f"at {fact.get('place', 'an unknown place')}{built}"


def predicted_and_measured(found: Gathered) -> Iterator[Section]:
    """Yield what was predicted against what was measured."""
    read = [(told, told.run) for told in found.runs if told.run is not None]
    anneals = _anneals(found, [run for _, run in read])
    capacity: list[Row] = []
    temperature: list[Row] = []
    residual: list[Row] = []
    spectrum: list[Row] = []
    for told, run in read:
        for rows, make in (
            (capacity, lambda t, r: measured.capacity_rows(t, r, anneals)),
            (temperature, measured.temperature_rows),
            (residual, measured.residual_rows),
            (spectrum, lambda t, r: measured.spectrum_rows(found.data, t, r)),
        ):
            try:
                rows += make(told, run)
            except (DataError, ValueError, KeyError, TypeError, IndexError) as error:
                found.troubles.append(f"run {told.uid[:8]}: {type(error).__name__}: {error}")
    tables = (
        Table(measured.CAPACITY, tuple(capacity), title="Capacity"),
        Table(measured.TEMPERATURES, tuple(temperature), title="Temperatures"),
        Table(measured.RESIDUALS, tuple(residual), title="Residuals, measured less predicted"),
        Table(
            impedance.HEADER,
            tuple(row for item in found.items for row in impedance.rows_of(item)),
            title="Impedance, as rehearsed and as measured",
        ),
        Table(measured.SPECTRA, tuple(spectrum), title="Impedance, fitted"),
    )
    yield Section("Predicted against measured", tables=tables)


def _anneals(found: Gathered, runs: Iterable[Run]) -> Mapping[str, Run]:
    """Return the runs that these ones name as their inputs."""
    known = {uid: run for run in runs for uid in run.chain}
    for uid in [uid for run in list(known.values()) for uid in run.start.get("inputs") or []]:
        if uid not in known:
            try:
                known[uid] = Run(uid, found.data, until_damage=True)
            except DataError as error:
                found.troubles.append(f"run {uid[:8]}, which others rest on: {error}")
    return known


def rehearsed_and_real(found: Gathered) -> Section:
    """Return what the rehearsal promised against what came of it."""
    rows: list[Row] = []
    for item in found.items:
        try:
            row = measured.effort_row(item)
        except (DataError, ValueError, KeyError, TypeError) as error:
            found.troubles.append(f"item {item.name}: {type(error).__name__}: {error}")
            continue
        if row is not None:
            rows.append(row)
    lines: tuple[str, ...] = ()
    if found.begun is not None and rows:
        took = f"; it took {lasted(_night_took(found))}" if found.over else ""
        lines = (f"The whole night was rehearsed in {lasted(found.begun.duration)}{took}.",)
    return Section("Rehearsed against real", lines, (Table(measured.EFFORT, tuple(rows)),))


def _night_took(found: Gathered) -> float:
    times = [float(each["time"]) for each in found.told]
    return times[-1] - times[0]


def wear(found: Gathered) -> Section:
    """Return what wears out, as far as documents tell of it."""
    query = (
        "SELECT d.name, CASE WHEN d.real THEN '' ELSE r.bench END AS bench, sum(a.number), count(*) FROM runs r"
        " JOIN amounts a ON a.run = r.id JOIN keys k ON k.id = a.key JOIN devices d ON d.run = r.id"
        " WHERE r.listed AND r.purpose <> 'derived' AND k.key = 'result.pulses' AND d.used AND d.role = 'FlashLamp'"
        " GROUP BY d.name, bench ORDER BY d.name, bench"
    )
    shots = ask_index(found.data, lambda connection: connection.execute(query).fetchall())
    rows: list[Row] = []
    for name, bench, pulses, runs in shots:
        where = f"{name} (twin of bench {bench})" if bench else str(name)
        rows.append((where, "flashes in all journals", f"{pulses:.0f}", how_many(runs, "run")))
    last: dict[str, Row] = {}
    for told in found.runs:
        if told.run is not None:
            try:
                last |= {row[0] + row[1]: row for row in _worn(told.run)}
            except (DataError, ValueError, KeyError, TypeError) as error:
                found.troubles.append(f"run {told.uid[:8]}: {type(error).__name__}: {error}")
    return Section("Wear", tables=(Table(("part", "what", "reading", "from"), (*rows, *last.values())),))


def _worn(run: Run) -> Iterator[Row]:
    for stream in ("baseline", "layers"):
        table = measured.stream(run, stream)
        for key, column in () if table is None else table.items():
            for end, (what, divisor, unit) in WEAR.items():
                if key.endswith(end) and math.isfinite(value := float(column[-1])):
                    part = _films_part(run, key) if stream == "layers" else key[: -len(end)].strip("_")
                    if part:
                        yield part, what, f"{value / divisor:.6g} {unit}".rstrip(), f"run {run.uid[:8]}"


def _films_part(run: Run, key: str) -> str:
    """Return what a film's run wore out: a chamber's crystal, or its targets; empty where it has none."""
    told = run.start.get("plan_args") or {}
    chamber = str(told.get("sputter") or told.get("evaporator") or "chamber")
    if key == "crystal_life":
        return chamber
    guns = (told.get("recipe") or {}).get("guns") or ()
    return f"{chamber} {' + '.join(str(gun['target']) for gun in guns)}" if guns else ""


def alarms(found: Gathered) -> Section:
    """Return all alarms of the time, those that somebody knows of as well."""
    known = [each for each in found.alarms if not each.open]
    rows = tuple(
        (
            each.condition.severity,
            each.condition.source,
            each.condition.text,
            when(each.condition.since),
            f"{each.by}, {when(each.acknowledged)}",
        )
        for each in worst_first({each.id: each for each in known})
    )
    return Section(
        "Alarms that somebody knows of",
        tables=(Table(("severity", "where", "what", "since", "known"), rows),),
    )


def orders(found: Gathered) -> Section:
    """Return what people ordered while the night ran."""
    rows = tuple(
        (
            when(each["time"]),
            str(each.get("who", "")),
            f"{each.get('order', '')} {each.get('whose', '')}".strip(),
            str(each.get("refusal", "")),
        )
        for each in found.told
        if each["what"] == "ordered"
    )
    lines = () if found.begun is None or not found.begun.despite else (_despite(found.begun.despite),)
    return Section("Orders", lines, (Table(("when", "who", "order", "refused because"), rows),))


def _despite(reason: str) -> str:
    return f"The rehearsal failed, and the night began despite that: {reason}"


def messages(found: Gathered) -> Section:
    """Return what became of the messages to people."""
    counts = Counter(MESSAGES.get(str(fact["fact"]), str(fact["fact"])) for fact in found.outbox)
    counts.pop("test", None)
    lines = [", ".join(f"{count} {what}" for what, count in sorted(counts.items()))] if counts else []
    trouble: dict[Row, list[float]] = {}
    for fact in found.outbox:
        if fact["fact"] in ("tested", "refused") and fact.get("reason"):
            said = (str(fact.get("target", "")), MESSAGES[fact["fact"]], str(fact["reason"]))
            trouble.setdefault(said, []).append(float(fact["time"]))
    rows = tuple((*said, str(len(times)), when(times[0]), when(times[-1])) for said, times in trouble.items())
    return Section(
        "Messages", tuple(lines), (Table(("to", "what", "trouble", "times", "first", "last"), rows),)
    )


def verdict(found: Gathered) -> tuple[str, bool]:
    """Return the one sentence that matters most, and whether it is a calm one."""
    rows, _ = needing(found)
    states = Counter(item.state.state for item in found.items)
    runs = how_many(len(found.runs), "run")
    done = f"{states[DONE]} of {len(found.items)} items done" if found.items else runs
    if found.running:
        done = f"{done} so far"
    if not rows:
        return f"Nothing needs you. {done}.", True
    things = "1 thing needs you" if len(rows) == 1 else f"{len(rows)} things need you"
    return f"{things}; {done}.", False
