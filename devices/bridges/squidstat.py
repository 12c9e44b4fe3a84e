"""Bridge to the Squidstat's library: newline-JSON in, newline-JSON out (devices.bridges.lines has the form).

The library is injected: the vendor's module, or a twin's object of its shape. What it signals is kept for
each channel as records numbered from 1, until a client has acknowledged them: no record is lost or comes
twice, however often a request or a reply does.

Requests are `{"id": n, "do": ...}`. Replies repeat the id, carry `boot`, and either the answer or
`{"error": {"code": ..., "text": ...}}`:

    identify                                    -> device, channels
    state   channel                             -> busy, uploaded, started, first (record of that start), next
    limits  channel, voltage_max, voltage_min, current_max, current_min
    upload  channel, token, experiment          -> token; the same token again changes nothing
    start   channel, token                      -> first; each token starts once, whatever comes twice
    stop    channel                             -> busy; false: nothing was running, the cell was open
    rows    channel, since, most, acknowledged  -> first, records, next; those before are dropped

An experiment is a list of {"element": "constant_current" | "open_circuit", ...} and
{"repeat": n, "body": [...]}. Records: ["element", name], ["row", row number, t, V, A, degC],
["stopped", reason], ["error", text], ["disconnected"]; a number that is not finite is null.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from devices.bridges.lines import pack, unpack
from devices.errors import Garbled, InstrumentError

Message = Mapping[str, Any]

NOT_RUNNING = 105
"""FailedToStopExperiment of the vendor's AisErrorCode: there was nothing to stop."""


class RefusedError(Exception):
    """A request that is not carried out: code and text of the error reply."""

    def __init__(self, code: str, text: str) -> None:
        self.code, self.text = code, text
        super().__init__(f"{code}: {text}")


@dataclass
class ChannelRecords:
    """What a channel said, from record `first` on; tokens of what was uploaded and started last."""

    first: int = 1
    rows: int = 0
    uploaded: str | None = None
    started: str | None = None
    started_at: int = 0
    spent: set[str] = field(default_factory=set)
    records: deque[Sequence[Any]] = field(default_factory=deque)

    @property
    def next(self) -> int:
        """The number that the next record will have."""
        return self.first + len(self.records)

    def add(self, *record: Any) -> None:
        """Keep a record."""
        self.records.append(record)

    def drop_before(self, number: int) -> None:
        """Forget records a client has safely got."""
        while self.records and self.first < number:
            self.records.popleft()
            self.first += 1

    def since(self, number: int, most: int) -> list[Sequence[Any]]:
        """Return at most `most` records from `number` on."""
        start = max(number - self.first, 0)
        return list(islice(self.records, start, start + most))


class SquidstatBridge:
    """One instrument on one port of the library. `boot` names this life of its record numbers."""

    def __init__(self, library: Any, *, port: str, boot: str) -> None:
        """Connect to the instrument; its name comes as a signal. Raises InstrumentError."""
        self._library, self.boot = library, boot
        self._tracker = library.AisDeviceTracker.Instance()
        self._handler: Any = None
        self._device = ""
        self._channels: list[ChannelRecords] = []
        self._commands: Mapping[str, Callable[[Message], Message]] = {
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

    def connect(self) -> Connection:
        """Return a new client's connection."""
        return Connection(self)

    def answer(self, line: bytes) -> bytes:
        """Carry out one request and return its reply; a garbled one is not carried out."""
        identifier = None
        try:
            request = unpack(line)
            identifier = request.get("id")
            reply = self._carry_out(request)
        except Garbled as error:
            reply = {"error": {"code": "garbled", "text": str(error)}}
        except RefusedError as error:
            reply = {"error": {"code": error.code, "text": error.text}}
        return pack({"id": identifier, "boot": self.boot, **reply})

    def _carry_out(self, request: Message) -> Message:
        command = self._commands.get(request.get("do", ""))
        if command is None:
            raise RefusedError(
                "request", f"do = {request.get('do')!r} is not one of {sorted(self._commands)}"
            )
        if self._handler is None:
            raise RefusedError("not_connected", "the instrument has not yet announced itself; ask again")
        try:
            return command(request)
        except (KeyError, TypeError, ValueError) as error:
            raise RefusedError("request", f"{request.get('do')}: {type(error).__name__} {error}") from error

    def _identify(self, request: Message) -> Message:
        return {"device": self._device, "channels": len(self._channels)}

    def _state(self, request: Message) -> Message:
        number, kept = self._channel(request)
        return {
            "busy": bool(self._handler.isChannelBusy(number)),
            "uploaded": kept.uploaded,
            "started": kept.started,
            "first": kept.started_at,
            "next": kept.next,
        }

    def _limits(self, request: Message) -> Message:
        number, _ = self._channel(request)
        self._check(self._handler.resetChannelLimits(number))
        self._check(self._handler.setChannelMaximumVoltage(number, float(request["voltage_max"])))
        self._check(self._handler.setChannelMinimumVoltage(number, float(request["voltage_min"])))
        self._check(self._handler.setChannelMaximumCurrent(number, float(request["current_max"])))
        self._check(self._handler.setChannelMinimumCurrent(number, float(request["current_min"])))
        return {}

    def _upload(self, request: Message) -> Message:
        number, kept = self._channel(request)
        token = str(request["token"])
        if token in kept.spent:
            raise RefusedError("spent", f"{token} was started before; upload under a new token")
        if token != kept.uploaded:
            kept.uploaded = None
            self._check(
                self._handler.uploadExperimentToChannel(number, self._experiment(request["experiment"]))
            )
            kept.uploaded = token
        return {"token": token}

    def _start(self, request: Message) -> Message:
        number, kept = self._channel(request)
        token = str(request["token"])
        if token in kept.spent:
            raise RefusedError("spent", f"{token} was started before; nothing was started now")
        if token != kept.uploaded:
            raise RefusedError(
                "not_uploaded", f"{token} is not what was uploaded ({kept.uploaded}); nothing was started"
            )
        kept.spent.add(token)
        kept.uploaded, first = None, kept.next
        self._check(self._handler.startUploadedExperiment(number))
        kept.started, kept.started_at = token, first
        return {"first": kept.started_at}

    def _stop(self, request: Message) -> Message:
        number, _ = self._channel(request)
        answer = self._handler.stopExperiment(number)
        if answer.value() == NOT_RUNNING and not self._handler.isChannelBusy(number):
            return {"busy": False}
        self._check(answer)
        return {"busy": True}

    def _rows(self, request: Message) -> Message:
        _, kept = self._channel(request)
        kept.drop_before(int(request["acknowledged"]))
        since = max(int(request["since"]), kept.first)
        return {"first": since, "records": kept.since(since, int(request["most"])), "next": kept.next}

    def _channel(self, request: Message) -> tuple[int, ChannelRecords]:
        number = int(request["channel"])
        if not 0 <= number < len(self._channels):
            raise RefusedError(
                "10", f"{self._device} has channels 0 to {len(self._channels) - 1}, not {number}"
            )
        return number, self._channels[number]

    def _check(self, answer: Any) -> None:
        if answer.value() != self._library.AisErrorCode.Success:
            raise RefusedError(str(int(answer.value())), answer.message())

    def _experiment(self, nodes: Sequence[Message]) -> Any:
        experiment = self._library.AisExperiment()
        for node in nodes:
            if "repeat" in node:
                taken = experiment.appendSubExperiment(self._experiment(node["body"]), int(node["repeat"]))
            else:
                taken = experiment.appendElement(self._element(node), 1)
            if not taken:
                raise RefusedError("54", f"the library did not take {node}")
        return experiment

    def _element(self, node: Message) -> Any:
        interval, duration = float(node["interval"]), float(node["duration"])
        if node["element"] == "open_circuit":
            element = self._library.AisOpenCircuitElement(duration, interval)
        elif node["element"] == "constant_current":
            element = self._library.AisConstantCurrentElement(float(node["current"]), interval, duration)
            element.setApproxMaxCurrent(float(node["range"]))
            if "voltage_change" in node:
                element.setMinSamplingVoltageDifference(float(node["voltage_change"]))
        else:
            raise RefusedError("request", f"element = {node['element']!r} is not known")
        if "voltage_max" in node:
            element.setMaxVoltage(float(node["voltage_max"]))
        if "voltage_min" in node:
            element.setMinVoltage(float(node["voltage_min"]))
        return element

    def _on_connected(self, device: str) -> None:
        if self._handler is not None:
            return
        handler = self._tracker.getInstrumentHandler(device)
        handler.activeDCDataReady.connect(self._on_row)
        handler.experimentNewElementStarting.connect(
            lambda channel, node: self._keep(channel, "element", node.stepName)
        )
        handler.experimentStopped.connect(lambda channel, reason: self._keep(channel, "stopped", str(reason)))
        handler.deviceError.connect(lambda channel, text: self._keep(channel, "error", str(text)))
        handler.deviceDisconnected.connect(self._on_disconnected)
        self._device = device
        self._channels = [ChannelRecords() for _ in range(handler.getNumberOfChannels())]
        self._handler = handler

    def _on_row(self, channel: int, data: Any) -> None:
        kept = self._channels[channel]
        kept.rows += 1
        values = (data.timestamp, data.workingElectrodeVoltage, data.current, data.temperature)
        kept.add("row", kept.rows, *(value if math.isfinite(value) else None for value in values))

    def _on_disconnected(self) -> None:
        for channel in range(len(self._channels)):
            self._keep(channel, "disconnected")

    def _keep(self, channel: int, *record: Any) -> None:
        self._channels[channel].add(*record)


class Connection:
    """One client of a bridge: bytes in, bytes out; a torn request of one does not mix with another's."""

    def __init__(self, bridge: SquidstatBridge) -> None:
        self._bridge = bridge
        self._buffer = bytearray()

    def exchange(self, data: bytes) -> bytes:
        """Take bytes, carry out every whole request in them, return the replies."""
        self._buffer += data
        replies = bytearray()
        while (end := self._buffer.find(b"\n")) >= 0:
            line = bytes(self._buffer[:end])
            del self._buffer[: end + 1]
            if line.strip():
                replies += self._bridge.answer(line)
        return bytes(replies)
