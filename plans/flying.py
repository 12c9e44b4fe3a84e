"""How every long action is run: kicked off once, collected while it runs, ended and collected whatever happens."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import bluesky.plan_stubs as bps
import bluesky.preprocessors as bpp
from bluesky.run_engine import WaitForTimeoutError
from bluesky.utils import FailedStatus, Msg, MsgGenerator, RequestStop, RunEngineControlException, short_uid
from ophyd.status import StatusBase

from devices.base import Column, RowStream
from devices.errors import Incomplete
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
    Raises what the station failed with, Incomplete when it ended early by itself.
    """
    outcome = Outcome(station)
    streams = [*station.streams.values(), outcome.rows]
    undeclared = list(streams)

    def body() -> MsgGenerator[None]:
        yield from declare(undeclared)
        yield from finished((yield from bps.kickoff(station, group=short_uid(label="kickoff"), wait=False)))
        status = yield from bps.complete(station, group=short_uid(label="complete"), wait=False)
        over = Completion(status)
        while not status.done:
            try:
                yield Msg("wait_for", None, [over], timeout=flush)
            except WaitForTimeoutError:
                station.renew_lease()
            yield from collect_all(streams)
        flight = station.flight()
        if flight.done != flight.asked:
            raise Incomplete(
                f"{station.name} did {flight.done} of {flight.asked}: {flight.end_reason}. What was done is in the"
                " journal; look at the events of the run before going on with this sample"
            )

    def ending() -> MsgGenerator[None]:
        try:
            yield from bps.stop(station)
        finally:
            outcome.conclude(station, station.clock.time())
            yield from declare(undeclared)
            yield from collect_all(streams)

    def closed(exit_status: str | None = None, reason: str | None = None) -> MsgGenerator[None]:
        # An abort in the middle of `ending` cuts its collecting short; what was taken by then is collected here.
        yield from declare(undeclared)
        yield from collect_all(streams)
        yield from bps.close_run(exit_status=exit_status, reason=reason)

    def run() -> MsgGenerator[str]:
        uid = yield from bps.open_run(dict(md))
        try:
            yield from bpp.finalize_wrapper(body(), ending)
        except FailedStatus as failed:
            cause = failed.__cause__ or failed
            yield from closed("fail", f"{type(cause).__name__}: {cause}")
            raise cause from failed
        except RunEngineControlException as control:
            yield from closed("success" if isinstance(control, RequestStop) else "abort")
            raise
        except Exception as error:
            yield from closed("fail", f"{type(error).__name__}: {error}")
            raise
        yield from bps.close_run()
        return str(uid)

    def prepared() -> MsgGenerator[str]:
        yield from finished(
            (yield from bps.prepare(station, job, group=short_uid(label="prepare"), wait=False))
        )
        return (yield from run())

    uid: str = yield from bpp.rewindable_wrapper(prepared(), False)
    return uid


class Completion:
    """Make one future of a status, to be waited for again and again.

    Waiting for a status group does not survive a pause: bluesky drops the group then, and the next wait for it
    returns at once.
    """

    def __init__(self, status: StatusBase) -> None:
        self._status = status
        self._future: asyncio.Future[None] | None = None

    def __call__(self) -> asyncio.Future[None]:
        """Return the future, made on the loop that runs."""
        if self._future is None:
            loop = asyncio.get_running_loop()
            future = self._future = loop.create_future()
            self._status.add_callback(lambda _: loop.call_soon_threadsafe(future.set_result, None))
        return self._future


def finished(status: StatusBase) -> MsgGenerator[None]:
    """Wait for a status, through any pause. Raises FailedStatus."""
    over = Completion(status)
    while not status.done:
        yield Msg("wait_for", None, [over])


def declare(undeclared: list[RowStream]) -> MsgGenerator[None]:
    """Declare streams and take them off the list; one in which a pause came is declared again.

    bluesky drops the message it was paused in, and answers None.
    """
    while undeclared:
        rows = undeclared[0]
        if (yield from bps.declare_stream(rows, name=rows.stream, collect=True)) is not None:
            undeclared.pop(0)


def collect_all(streams: list[RowStream]) -> MsgGenerator[None]:
    """Collect every stream that has rows."""
    for rows in streams:
        yield Msg("collect", rows, name=rows.stream)
