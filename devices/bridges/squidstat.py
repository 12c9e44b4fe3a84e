"""Bridge to the Squidstat's library: newline-JSON in, newline-JSON out (devices.bridges.lines has the form).

The library is injected: the vendor's module, or a twin's object of its shape. What it signals is kept for
each channel as records numbered from 1, until a client has acknowledged them: no record is lost or comes
twice, however often a request or a reply does.

Requests are `{"id": n, "do": ...}`. Replies repeat the id, carry `boot`, and either the answer or
`{"error": {"code": ..., "text": ...}}`:

    identify                                    -> device, channels
    state   channel                             -> busy, uploaded, started, first (record of that start), next
    idle    channel, start                      -> sample, voltage: the newest idle sample; start: take some more
    limits  channel, voltage_max, voltage_min, current_max, current_min
    upload  channel, token, experiment, on_host_loss ("keep" or "open") -> token; again: changes nothing
    start   channel, token                      -> first; the same token again starts nothing and is answered the same
    stop    channel                             -> busy; false: nothing was running, the cell was open
    safe    channel                             -> busy, overrode: the same whoever has the channel; says whom
    rows    channel, since, most, acknowledged  -> first, records, next; those before are dropped

limits, upload, start and stop take the channel for this client as long as it lives; another one is answered
"owned", with `holder`. A start that failed may come again. stop forgets what was uploaded and not started; idle takes
it off the instrument, by a rest that is stopped at once and leaves no records. What was uploaded with "open" is
stopped when nobody asked for the channel's rows for so long that its
host is gone (devices.cycling.presence). An experiment is a list of elements
(devices.bridges.squidstat_elements) and {"repeat": n, "body": [...]}. An element's "charge_safety" [C] says that its
"charge" is no end but a limit: the experiment is stopped when it was reached. Records; a number that is not finite is
null:

    ["element", name], ["ended", reason], ["row", row number, s, V, A, degC] and, where the element has a "record", what
    passed since the row before: C, J,
    ["spectrum", row number, s, Hz, ohm, ohm, V, A, peak, distortion], ["stopped", text] or ["stopped", text, reason],
    ["error", text], ["disconnected"], ["recovered", rows, from s, to s], ["gap", from s, to s],
    ["paused"], ["resumed"], ["host_lost", s of silence], ["reading_failed"]

When the library loses the instrument, requests try to connect anew; until then "disconnected" is the answer
to whatever needs it. Rows that the instrument kept meanwhile are asked to be erased there when all were acknowledged.
"""

from __future__ import annotations

import itertools
import logging
import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

from devices.bridges.channel_book import ChannelBook, Element, Point, Row, Stopped
from devices.bridges.leases import Client, Lease, Leases
from devices.bridges.lines import pack, unpack
from devices.bridges.squidstat_elements import ElementError, Message, make_element
from devices.cycling.presence import is_gone
from devices.errors import Garbled, InstrumentError

log = logging.getLogger(__name__)

NOT_RUNNING = 105
"""FailedToStopExperiment of the vendor's AisErrorCode: there was nothing to stop."""

BUSY, UPLOADED = 11, 56
"""BusyChannel and ExperimentUploaded, both answers to a wish for idle samples."""

NOTHING: Message = {"element": "open_circuit", "duration": 1.0, "interval": 1.0}
"""A rest that takes the place of what was uploaded."""

RECONNECT_PERIOD = 1.0
"""Seconds between tries to connect to an instrument that was lost; guess, a try may take as long."""

RECOVERY_STEP = 10.0
"""Seconds that a request counts for where the bridge is given no clock."""


class RefusedError(Exception):
    """A request that is not carried out: code and text of the error reply, and what else it says."""

    def __init__(self, code: str, text: str, **more: str) -> None:
        self.code, self.text, self.more = code, text, more
        super().__init__(f"{code}: {text}")


class SquidstatBridge:
    """One instrument on one port of the library. `boot` names this life of its record numbers.

    now: seconds since the epoch, for leases and for how long a recovery has been quiet.
    """

    def __init__(self, library: Any, *, port: str, boot: str, now: Callable[[], float] | None = None) -> None:
        """Connect to the instrument; its name comes as a signal. Raises InstrumentError."""
        self._library, self._port, self.boot = library, port, boot
        self._now = now or itertools.count(0.0, RECOVERY_STEP).__next__
        self._tracker = library.AisDeviceTracker.Instance()
        self._handler: Any = None
        self.is_linked = False
        self._device = ""
        self._books: list[ChannelBook] = []
        self._to_erase: dict[int, int] = {}
        self._tried = -math.inf
        self._leases = Leases()
        self._slots: Mapping[str, Callable[..., None]] = {
            "activeDCDataReady": self._on_row,
            "activeACDataReady": self._on_point,
            "recoveryDCDataReady": self._on_recovered_row,
            "recoveryACDataReady": self._on_recovered_point,
            "idleDCDataReady": self._on_idle,
            "experimentNewElementStarting": self._on_element,
            "experimentStopped": self._on_stopped,
            "experimentPaused": partial(self._on_pause, "paused"),
            "experimentResumed": partial(self._on_pause, "resumed"),
            "deviceError": self._on_error,
            "deviceDisconnected": self._on_disconnected,
        }
        self._asked: Mapping[str, Callable[[Message], Message]] = {
            "identify": self._identify,
            "state": self._state,
            "limits": self._limits,
            "upload": self._upload,
            "start": self._start,
            "stop": self._stop,
            "rows": self._rows,
        }
        self._tracker.newDeviceConnected.connect(self._on_connected)
        answer = self._tracker.connectToDeviceOnComPort(port)
        if answer.value() != library.AisErrorCode.Success:
            raise InstrumentError(f"Squidstat on {port}", str(answer.value()), answer.message())

    def left_running(self) -> str:
        """Say what goes on by itself when nobody looks any more."""
        if not self.is_linked:
            return f"what runs on {self._device or self._port} is not known, its link is lost"
        running = [f"channel {each}" for each in range(len(self._books)) if self._handler.isChannelBusy(each)]
        return f"{self._device} goes on by itself on {', '.join(running)}" if running else "nothing runs"

    def connect(self, name: str = "this process") -> Connection:
        """Return a new client's connection; `name` says who it is, for people."""
        return Connection(self, Client(name))

    def leave(self, client: Client) -> list[int]:
        """Free what a client held that is gone; what runs goes on. Return the channels."""
        return self._leases.free(client)

    def tend(self) -> None:
        """Look for a lost instrument; end recoveries in which nothing comes any more. To be called now and then."""
        if not self._books:
            return
        now = self._now()
        if not self.is_linked:
            if now - self._tried >= RECONNECT_PERIOD:
                self._tried = now
                self._tracker.connectToDeviceOnComPort(self._port)
            return
        for channel, book in enumerate(self._books):
            if book.link == "back" and book.settle(now, self._is_busy(channel)):
                self._cut(channel)
            if book.opens and is_gone(book.asked, now):
                self._stop_without_host(channel, book, now - book.asked)

    def answer(self, line: bytes, client: Client) -> bytes:
        """Carry out one request and return its reply; a garbled one is not carried out."""
        identifier = None
        try:
            request = unpack(line)
            identifier = request.get("id")
            reply = self._carry_out(request, client)
        except Garbled as error:
            reply = {"error": {"code": "garbled", "text": str(error)}}
        except RefusedError as error:
            reply = {"error": {"code": error.code, "text": error.text, **error.more}}
        return pack({"id": identifier, "boot": self.boot, **reply})

    def _carry_out(self, request: Message, client: Client) -> Message:
        do = request.get("do", "")
        known = sorted([*self._asked, "idle", "safe"])
        if do not in known:
            raise RefusedError("request", f"do = {do!r} is not one of {known}")
        self.tend()
        if not self._books or (not self.is_linked and do != "rows"):
            raise RefusedError(*self._why_not_linked())
        try:
            if do == "safe":
                return self._safe(request, client)
            if do == "idle":
                return self._idle(request, client)
            if do in ("limits", "upload", "start", "stop"):
                self._lease(request, client)
            return self._asked[do](request)
        except (KeyError, TypeError, ValueError, ElementError) as error:
            raise RefusedError("request", f"{do}: {type(error).__name__} {error}") from error

    def _why_not_linked(self) -> tuple[str, str]:
        if not self._books:
            return "not_connected", "the instrument has not yet announced itself; ask again"
        return "disconnected", f"{self._device} is not on {self._port}; what runs on it goes on by itself"

    def _identify(self, request: Message) -> Message:
        return {"device": self._device, "channels": len(self._books)}

    def _state(self, request: Message) -> Message:
        number, book = self._channel(request)
        return {
            "busy": self._is_busy(number),
            "uploaded": book.uploaded,
            "started": book.started,
            "first": book.started_at,
            "next": book.next,
        }

    def _idle(self, request: Message, client: Client) -> Message:
        number, book = self._channel(request)
        if request["start"] or book.awaits_idle:
            answer = self._handler.startIdleSampling(number)
            if answer.value() == UPLOADED:
                self._discard(number, book, client)
                answer = self._handler.startIdleSampling(number)
            # What was stopped a moment ago may still count as running; the next question tries again.
            book.awaits_idle = book.discards and answer.value() == BUSY
            if not book.awaits_idle:
                self._check(answer)
        sample, voltage = book.idle
        return {"sample": sample, "voltage": voltage}

    def _discard(self, number: int, book: ChannelBook, client: Client) -> None:
        """Take what was uploaded and not started off the instrument, which knows no other way than to run something."""
        lease = self._leases.override(number, client)
        if lease is not None and book.uploaded is not None:
            raise _owned(number, lease)
        book.uploaded = None
        self._check(self._handler.uploadExperimentToChannel(number, self._experiment([NOTHING])))
        book.discard()
        began = self._handler.startUploadedExperiment(number)
        if began.value() != self._library.AisErrorCode.Success:
            book.discards = False
            self._check(began)
        answer = self._handler.stopExperiment(number)
        if answer.value() != NOT_RUNNING:  # one of the channel's limits may have been quicker
            self._check(answer)

    def _limits(self, request: Message) -> Message:
        number, book = self._channel(request)
        self._check(self._handler.resetChannelLimits(number))
        self._check(self._handler.setChannelMaximumVoltage(number, float(request["voltage_max"])))
        self._check(self._handler.setChannelMinimumVoltage(number, float(request["voltage_min"])))
        self._check(self._handler.setChannelMaximumCurrent(number, float(request["current_max"])))
        self._check(self._handler.setChannelMinimumCurrent(number, float(request["current_min"])))
        least, most, current = (
            float(request[each]) for each in ("voltage_min", "voltage_max", "current_max")
        )
        book.limits = least, most, current
        return {}

    def _upload(self, request: Message) -> Message:
        number, book = self._channel(request)
        token, policy = str(request["token"]), request.get("on_host_loss", "keep")
        if policy not in ("keep", "open"):
            raise RefusedError("request", f"on_host_loss = {policy!r} is neither keep nor open")
        if token in book.spent:
            raise RefusedError("spent", f"{token} was started before {book.started}; nothing was uploaded")
        if token not in (book.uploaded, book.started):
            book.uploaded = None
            experiment = self._experiment(request["experiment"])
            self._check(self._handler.uploadExperimentToChannel(number, experiment))
            book.uploaded, book.experiment = token, request["experiment"]
            book.may_open = policy == "open"
        return {"token": token}

    def _start(self, request: Message) -> Message:
        number, book = self._channel(request)
        token = str(request["token"])
        if token == book.started:
            return {"first": book.started_at}
        if token in book.spent:
            raise RefusedError("spent", f"{token} was started before {book.started}; nothing was started now")
        if token != book.uploaded:
            raise RefusedError(
                "not_uploaded", f"{token} is not what was uploaded ({book.uploaded}); nothing was started"
            )
        first = book.begin(self._now())
        answer = self._handler.startUploadedExperiment(number)
        if not self._is_busy(number):
            # An error of the link leaves open whether it began: what the channel does counts.
            book.over = answer.value() != self._library.AisErrorCode.Success
            self._check(answer)
        book.note_start(token, first)
        return {"first": first}

    def _stop(self, request: Message) -> Message:
        number, book = self._channel(request)
        book.uploaded = None
        answer = self._handler.stopExperiment(number)
        if answer.value() == NOT_RUNNING and not self._is_busy(number):
            return {"busy": False}
        self._check(answer)
        return {"busy": True}

    def _safe(self, request: Message, client: Client) -> Message:
        number, _ = self._channel(request)
        overrode = self._leases.override(number, client)
        if overrode is not None:
            log.warning("%s made channel %d safe, which %s has", client.name, number, overrode)
        return {**self._stop(request), "overrode": None if overrode is None else str(overrode)}

    def _rows(self, request: Message) -> Message:
        number, book = self._channel(request)
        book.asked = self._now()
        book.drop_before(int(request["acknowledged"]))
        self._erase(number, book)
        since = max(int(request["since"]), book.first)
        return {"first": since, "records": book.since(since, int(request["most"])), "next": book.next}

    def _lease(self, request: Message, client: Client) -> None:
        number, _ = self._channel(request)
        lease = self._leases.take(number, client, self._now())
        if lease is not None:
            raise _owned(number, lease)

    def _erase(self, number: int, book: ChannelBook) -> None:
        """Let the instrument forget what it kept without the link, once every client has it."""
        if self.is_linked and self._to_erase.get(number, math.inf) <= book.first:
            del self._to_erase[number]
            if not self._to_erase:
                self._handler.eraseRecoverData()

    def _channel(self, request: Message) -> tuple[int, ChannelBook]:
        number = int(request["channel"])
        if not 0 <= number < len(self._books):
            raise RefusedError("10", f"{self._device} has channels 0 to {len(self._books) - 1}, not {number}")
        return number, self._books[number]

    def _check(self, answer: Any) -> None:
        if answer.value() != self._library.AisErrorCode.Success:
            raise RefusedError(str(int(answer.value())), answer.message())

    def _experiment(self, nodes: Sequence[Message]) -> Any:
        experiment = self._library.AisExperiment()
        for node in nodes:
            if "repeat" in node:
                taken = experiment.appendSubExperiment(self._experiment(node["body"]), int(node["repeat"]))
            else:
                taken = experiment.appendElement(make_element(self._library, node), 1)
            if not taken:
                raise RefusedError("54", f"the library did not take {node}")
        return experiment

    def _on_connected(self, device: str) -> None:
        if self.is_linked:
            return
        if self._books and device != self._device:
            log.error("%s is on %s now, not %s; it is left alone", device, self._port, self._device)
            return
        handler = self._tracker.getInstrumentHandler(device)
        for signal, slot in self._slots.items():
            if self._handler is not None:
                # It may be the same handler again, which would then say everything twice, or be deleted by now.
                with suppress(RuntimeError):
                    getattr(self._handler, signal).disconnect(slot)
            getattr(handler, signal).connect(slot)
        if not self._books:
            self._device = device
            self._books = [ChannelBook() for _ in range(handler.getNumberOfChannels())]
        for book in self._books:
            if book.link == "lost":
                book.find_link(self._now())
        self._handler, self.is_linked = handler, True

    def _on_disconnected(self) -> None:
        if not self.is_linked:
            return
        self.is_linked = False
        for book in self._books:
            book.lose_link()

    def _on_element(self, channel: int, node: Any) -> None:
        element = Element(str(node.stepName), node.stepNumber, node.substepNumber, node.cycle)
        self._hear(channel, element)

    def _on_row(self, channel: int, data: Any) -> None:
        self._hear(channel, _row(data))

    def _on_point(self, channel: int, data: Any) -> None:
        self._hear(channel, _point(data))

    def _on_recovered_row(self, channel: int, data: Any) -> None:
        self._recover(channel, _row(data))

    def _on_recovered_point(self, channel: int, data: Any) -> None:
        self._recover(channel, _point(data))

    def _recover(self, channel: int, said: Row | Point) -> None:
        book = self._books[channel]
        stop = book.recover(said, self._now())
        self._to_erase[channel] = book.next
        if stop:
            self._cut(channel)

    def _on_idle(self, channel: int, data: Any) -> None:
        book = self._books[channel]
        voltage = data.workingElectrodeVoltage
        book.idle = (book.idle[0] + 1, voltage if math.isfinite(voltage) else None)

    def _on_stopped(self, channel: int, reason: str) -> None:
        self._books[channel].hear(Stopped(str(reason)))

    def _on_pause(self, what: str, channel: int) -> None:
        book = self._books[channel]
        book.interrupted()
        book.add(what)

    def _on_error(self, channel: int, text: str) -> None:
        self._books[channel].add("error", str(text))

    def _hear(self, channel: int, said: Element | Row | Point) -> None:
        if self._books[channel].hear(said):
            self._cut(channel)

    def _cut(self, channel: int) -> None:
        if self.is_linked:
            log.warning("channel %d is stopped: limits.charge_max was reached, or its readings fail", channel)
            self._handler.stopExperiment(channel)

    def _stop_without_host(self, channel: int, book: ChannelBook, silent: float) -> None:
        """Open a cell whose host is gone."""
        if not self._is_busy(channel):
            book.opens = book.opens and not book.over
            return
        log.warning("nobody asked for channel %d for %.0f s; it is stopped", channel, silent)
        answer = self._handler.stopExperiment(channel)
        if answer.value() == self._library.AisErrorCode.Success:
            book.lose_host(silent)

    def _is_busy(self, channel: int) -> bool:
        return bool(self._handler.isChannelBusy(channel))


def _owned(number: int, lease: Lease) -> RefusedError:
    text = f"channel {number} is held by {lease}; nothing was done, safe is always allowed"
    return RefusedError("owned", text, holder=str(lease))


def _row(data: Any) -> Row:
    return Row(data.timestamp, data.workingElectrodeVoltage, data.current, data.temperature)


def _point(data: Any) -> Point:
    return Point(
        data.timestamp,
        data.frequency,
        data.realImpedance,
        data.imagImpedance,
        data.workingElectrodeDCVoltage,
        data.DCCurrent,
        data.voltageAmplitude,
        data.currentAmplitude,
        0.01 * data.totalHarmonicDistortion,
    )


class Connection:
    """One client of a bridge: bytes in, bytes out; a torn request of one does not mix with another's."""

    def __init__(self, bridge: SquidstatBridge, client: Client) -> None:
        self._bridge, self.client = bridge, client
        self._buffer = bytearray()

    def exchange(self, data: bytes) -> bytes:
        """Take bytes, carry out every whole request in them, return the replies."""
        self._buffer += data
        replies = bytearray()
        while (end := self._buffer.find(b"\n")) >= 0:
            line = bytes(self._buffer[:end])
            del self._buffer[: end + 1]
            if line.strip():
                replies += self._bridge.answer(line, self.client)
        return bytes(replies)

    def close(self) -> list[int]:
        """Free what it held; return the channels."""
        return self._bridge.leave(self.client)
