"""How every long action is run: kicked off once, collected while it runs, ended and collected whatever happens."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import bluesky.plan_stubs as bps
import bluesky.preprocessors as bpp
from bluesky.utils import FailedStatus, Msg, MsgGenerator, RunEngineControlException, short_uid

from devices.base import Column, RowStream
from devices.recipes import canonical_hash, to_json
from devices.roles import Flown
from devices.samples import SampleRef

OUTCOME_COLUMNS: Mapping[str, Column] = {
    "end_reason": Column("1", "string"),
    "asked": Column("1", "integer"),
    "done": Column("1", "integer"),
    "interrupted": Column("1", "integer"),
    "recovered": Column("1", "integer"),
    "rows_gap": Column("1", "integer"),
}
"""The one-event stream before every stop document, which has room for a status and a reason only."""


class Outcome:
    """The one row that says how a run ended."""

    def __init__(self, station: Flown) -> None:
        self.rows = RowStream(f"{station.name}_outcome", "outcome", OUTCOME_COLUMNS, station.name)

    def conclude(self, station: Flown, time: float) -> None:
        """Write the row from the station's own account."""
        flight = station.flight()
        self.rows.append(
            time,
            {
                "end_reason": flight.end_reason,
                "asked": flight.asked,
                "done": flight.done,
                "interrupted": int(flight.interrupted),
                "recovered": 0,
                "rows_gap": 0,
            },
        )


def sample_metadata(sample: SampleRef) -> dict[str, Any]:
    """Return what a start document says of a sample."""
    return {**to_json(sample), "area_m2": sample.area}


def named_body(name: str, value: Any) -> dict[str, Any]:
    """Return a recipe or program as a start document keeps it: name, hash, whole body."""
    body = to_json(value)
    return {"name": name, "hash": canonical_hash(body), "body": body}


def fly(station: Flown, job: Any, md: Mapping[str, Any], *, flush: float) -> MsgGenerator[str]:
    """Run a prepared job on a station as one run; return the run's uid.

    Every `flush` [s] the rows so far become pages and the station's lease is renewed. The body is not
    rewindable: pause and resume never send the kickoff again. However it ends, the station is stopped if it was
    not done, what it still holds is collected, and the stream `outcome` says what was asked and done.
    Raises what the station failed with.
    """
    outcome = Outcome(station)
    streams = [*station.streams.values(), outcome.rows]

    def body() -> MsgGenerator[None]:
        for rows in streams:
            yield from bps.declare_stream(rows, name=rows.stream, collect=True)
        yield from bps.kickoff(station, wait=True)
        group = short_uid(label=f"complete {station.name}")
        yield from bps.complete(station, group=group, wait=False)
        done = False
        while not done:
            done = yield from bps.wait(group=group, timeout=flush, error_on_timeout=False)
            station.renew_lease()
            yield from collect_all(streams)

    def ending() -> MsgGenerator[None]:
        yield from bps.stop(station)
        outcome.conclude(station, station.clock.time())
        yield from collect_all(streams)

    def run() -> MsgGenerator[str]:
        uid = yield from bps.open_run(dict(md))
        try:
            yield from bpp.finalize_wrapper(body(), ending)
        except FailedStatus as failed:
            cause = failed.__cause__ or failed
            yield from bps.close_run(exit_status="fail", reason=f"{type(cause).__name__}: {cause}")
            raise cause from failed
        except RunEngineControlException:
            yield from bps.close_run(exit_status="abort")
            raise
        except Exception as error:
            yield from bps.close_run(exit_status="fail", reason=f"{type(error).__name__}: {error}")
            raise
        yield from bps.close_run()
        return str(uid)

    def prepared() -> MsgGenerator[str]:
        yield from bps.prepare(station, job, wait=True)
        return (yield from run())

    return (yield from bpp.rewindable_wrapper(prepared(), False))


def collect_all(streams: list[RowStream]) -> MsgGenerator[None]:
    """Collect every stream that has rows."""
    for rows in streams:
        yield Msg("collect", rows, name=rows.stream)
