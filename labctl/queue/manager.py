"""The manager of a queue, asked through its own API: one JSON request, one JSON answer, over a socket of zeromq."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from devices.errors import LabError
from labctl.queue.package import needed

PATIENCE = 3000
"""Milliseconds an answer may take; queueserver's own clients wait 2000 [its comms.py, 0.0.25]."""


class Refused(LabError):
    """The manager does not do what it was asked, and says why."""


class Silent(LabError):
    """The manager does not answer."""


class Manager:
    """A queueserver manager at an address; public: its key, where it has one.

    queueserver's own client leaves its context open when it is closed; this one leaves nothing.
    """

    def __init__(self, address: str, public: str = "") -> None:
        self._zmq = needed("zmq")
        self._address, self._public = address, public
        self._context = self._zmq.Context()
        self._line = self._connected()

    def ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Return the answer to a request. Raises Refused, Silent."""
        self._line.send_json({"method": method, "params": parameters})
        if not self._line.poll(PATIENCE):
            # A request without an answer leaves such a socket useless.
            self._line.close()
            self._line = self._connected()
            raise Silent(f"the manager at {self._address} does not answer")
        answer: dict[str, Any] = self._line.recv_json()
        if not answer.get("success", True):
            raise Refused(f"{method}: {answer.get('msg', '')}")
        return answer

    def status(self) -> Mapping[str, Any]:
        """Return what it is doing. Raises Silent."""
        return self.ask("status")

    def close(self) -> None:
        """Stop talking to it."""
        self._line.close()
        self._context.term()

    def _connected(self) -> Any:
        line = self._context.socket(self._zmq.REQ)
        line.linger = 0
        if self._public:
            mine, secret = self._zmq.curve_keypair()
            line.curve_serverkey, line.curve_publickey, line.curve_secretkey = (
                self._public.encode(),
                mine,
                secret,
            )
        line.connect(self._address)
        return line
