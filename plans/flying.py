"""How every long action is run: kicked off once, collected while it runs, ended and collected whatever happens."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import bluesky.plan_stubs as bps
import bluesky.preprocessors as bpp
from bluesky.protocols import Readable
from bluesky.run_engine import WaitForTimeoutError
from bluesky.utils import FailedStatus, Msg, MsgGenerator, RequestStop, RunEngineControlException, short_uid
from ophyd.status import StatusBase

from devices.base import Column, RowStream
from devices.errors import Incomplete, in_words
from devices.recipes import canonical_hash, to_json
from devices.roles.flown import Flown
from devices.samples import SampleRef

log = logging.getLogger(__name__)

LOOK_AROUND = 60.0
"""Seconds between readings of what is around a station: a glovebox's oxygen moves in minutes; guess."""

AMBIENT = "ambient"
"""The ophyd label of the device whose first reading [degC] is the temperature around the cells."""

SOONEST = 1e-3
"""Seconds that a wait lasts at least, so that rounding cannot make time stand still."""

OUTCOME_COLUMNS: Mapping[str, Column] = {
    "end_reason": Column("1", "string"),
    "asked": Column("1", "integer"),
    "done": Column("1", "integer"),
    "interrupted": Column("1", "integer"),
    "recovered": Column("1", "integer"),
    "rows_gap": Column("1", "integer"),
}
"""The one-event stream before every stop document, which has room for a status and a reason only.

recovered: 1 when it was written after the death of the process that ran it; rows_gap: rows that were lost then.
asked is -1 where nobody knows it any more.
"""


class Outcome:
    """The one row that says how a run ended."""

    def __init__(self, station: Flown) -> None:
        self.rows = RowStream(f"{station.name}_outcome", "outcome", OUTCOME_COLUMNS, {"": station.name})

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


def ambient_of(surroundings: Sequence[Readable[Any]]) -> str | None:
    """Return the key of the reading that the bench labelled "ambient", None where it labelled none."""
    for device in surroundings:
        if AMBIENT in getattr(device, "_ophyd_labels_", ()):
            described: Any = device.describe()
            return str(next(iter(described)))
    return None


def fly(
    station: Flown,
    job: Any,
    md: Mapping[str, Any],
    *,
    flush: float,
    surroundings: Sequence[Readable[Any]] = (),
    look_around: float = LOOK_AROUND,
    begin: Callable[[], MsgGenerator[StatusBase]] | None = None,
    renew: float | None = None,
) -> MsgGenerator[str]:
    """Have a station prepared for a job, run it as one run and return the run's uid.

    Every `flush` [s] the rows so far become pages; the station's lease is renewed every `renew` [s], or as often. Every
    `look_around` [s] what is around it is read into the stream `surroundings`. `begin` kicks the station off, where
    that takes more than one step. Nothing of it is rewindable: pause and resume never send the kickoff again. However
    it ends, the station is stopped if it was not done, what it still holds is collected, and the stream `outcome` says
    what was asked and done.
    Raises what the station failed with, Incomplete when it ended early by itself.
    """

    def plainly() -> MsgGenerator[StatusBase]:
        return (yield from bps.kickoff(station, group=short_uid(label="kickoff"), wait=False))

    def prepared() -> MsgGenerator[str]:
        # A station that refuses at once is somebody else's: it must not be stopped for it.
        status = yield from bps.prepare(station, job, group=short_uid(label="prepare"), wait=False)
        try:
            yield from finished(status)
            return (
                yield from _Run(
                    station, flush, surroundings, look_around, begin or plainly, renew or flush
                ).run(md)
            )
        except Exception:
            # What was prepared must not stay so when the run did not even begin.
            yield from bps.stop(station)
            raise

    uid: str = yield from bpp.rewindable_wrapper(prepared(), False)
    return uid


def watched(
    station: Flown, begin: Callable[[], StatusBase], md: Mapping[str, Any], *, flush: float, renew: float
) -> MsgGenerator[str]:
    """Run what a station does of its own, with nothing to prepare, as one run; as `fly` otherwise."""

    def begun() -> MsgGenerator[StatusBase]:
        yield from bps.null()
        return begin()

    def claimed() -> MsgGenerator[str]:
        yield from bps.stage(station)
        run = _Run(station, flush, (), LOOK_AROUND, begun, renew).run(md)
        watched_uid: str = yield from bpp.finalize_wrapper(run, lambda: bps.unstage(station))
        return watched_uid

    uid: str = yield from bpp.rewindable_wrapper(claimed(), False)
    return uid


class _Run:
    """One run on a prepared station."""

    def __init__(
        self,
        station: Flown,
        flush: float,
        surroundings: Sequence[Readable[Any]],
        look_around: float,
        begin: Callable[[], MsgGenerator[StatusBase]],
        renew: float,
    ) -> None:
        self._station, self._flush, self._surroundings, self._begin = station, flush, surroundings, begin
        self._every = look_around if surroundings else flush
        self._renew = renew
        self._is_blind = False
        self._outcome = Outcome(station)
        self._streams = [*station.streams.values(), self._outcome.rows]
        self._undeclared = list(self._streams)

    def run(self, md: Mapping[str, Any]) -> MsgGenerator[str]:
        uid = yield from bps.open_run(dict(md))
        try:
            yield from bpp.finalize_wrapper(self._body(), self._ending)
        except FailedStatus as failed:
            cause = failed.__cause__ or failed
            yield from self._closed("fail", in_words(cause))
            raise cause from failed
        except RunEngineControlException as control:
            yield from self._closed("success" if isinstance(control, RequestStop) else "abort")
            raise
        except Exception as error:
            yield from self._closed("fail", in_words(error))
            raise
        yield from bps.close_run()
        return str(uid)

    def _body(self) -> MsgGenerator[None]:
        station = self._station
        yield from declare(self._undeclared)
        yield from self._attend((yield from self._begin()))
        yield from self._look_around()
        complete = yield from bps.complete(station, group=short_uid(label="complete"), wait=False)
        yield from self._attend(complete)
        yield from self._look_around()
        flight = station.flight()
        if flight.done != flight.asked:
            raise Incomplete(
                f"{station.name} did {flight.done} of {flight.asked}: {flight.end_reason}. What was done is in the"
                " journal; look at the events of the run before going on with this sample"
            )

    def _attend(self, status: StatusBase) -> MsgGenerator[None]:
        """Wait for a status, renewing the lease, looking around and collecting meanwhile, each when it is due."""
        over, now = Completion(status), self._station.clock.now
        page, look = now() + self._flush, now() + self._every
        while not status.done:
            with contextlib.suppress(WaitForTimeoutError):
                yield Msg(
                    "wait_for", None, [over], timeout=max(min(min(page, look) - now(), self._renew), SOONEST)
                )
            self._station.renew_lease()
            if now() >= look:
                yield from self._look_around()
                look = now() + self._every
            if now() >= page or status.done:
                yield from collect_all(self._streams)
                page = now() + self._flush

    def _look_around(self) -> MsgGenerator[None]:
        """Read what is around the station; a thermometer that does not answer must not end a month of cycling.

        Nor fill its log: that it does not answer is said once, until it does again.
        """
        if not self._surroundings:
            return
        try:
            yield from bps.trigger_and_read(self._surroundings, name="surroundings")
            self._is_blind = False
        except RunEngineControlException:
            raise
        except Exception as error:  # noqa: BLE001 - nobody knows what somebody else's device raises
            if not self._is_blind:
                log.warning("%s: the surroundings could not be read: %r", self._station.name, error)
            self._is_blind = True

    def _ending(self) -> MsgGenerator[None]:
        try:
            yield from bps.stop(self._station)
        finally:
            self._outcome.conclude(self._station, self._station.clock.time())
            yield from declare(self._undeclared)
            yield from collect_all(self._streams)

    def _closed(self, exit_status: str, reason: str | None = None) -> MsgGenerator[None]:
        # An abort in the middle of `_ending` cuts its collecting short; what was taken by then is collected here.
        yield from declare(self._undeclared)
        yield from collect_all(self._streams)
        yield from bps.close_run(exit_status=exit_status, reason=reason)


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
    """Wait for a status, through any pause. Raises what it failed with."""
    over = Completion(status)
    try:
        while not status.done:
            yield Msg("wait_for", None, [over])
    except FailedStatus as failed:
        raise (failed.__cause__ or failed) from failed


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
        if rows.rows_in > rows.rows_out:
            yield Msg("collect", rows, name=rows.stream)
