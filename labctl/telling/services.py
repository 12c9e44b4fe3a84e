"""Services that tell people, through apprise, which is imported where it is used."""

from __future__ import annotations

import logging
from collections.abc import Callable

from devices.errors import LabError
from labctl.config.telling import Target
from labctl.telling.outbox import Message

Send = Callable[[Message], None]
"""Sends one message, or raises NotTold."""

PATIENCE = 10.0
"""Seconds a service is given for a connection, and again for its answer; guess."""

TYPES = {"info": "info", "warning": "warning", "alarm": "failure"}
"""What apprise calls our severities."""


class NotTold(LabError):
    """A service did not take a message; the reason never holds its address, which may have a password in it."""


def service(target: Target) -> Send:
    """Return what sends to a target. Raises NotTold when that cannot be: apprise or the address is missing."""
    try:
        import apprise
    except ImportError as error:
        raise NotTold("apprise is not installed; pip install 'labctl[notify]'") from error
    # It logs what goes wrong with addresses in it.
    logging.getLogger("apprise").disabled = True
    address = target.address()
    if not address:
        raise NotTold(f"the environment has no {target.url_from}")
    separator = "&" if "?" in address else "?"
    given_up_after = "" if "rto=" in address else f"{separator}rto={PATIENCE:g}&cto={PATIENCE:g}"
    known = apprise.Apprise()
    if not known.add(f"{address}{given_up_after}"):
        raise NotTold("apprise does not understand its url")

    def send(message: Message) -> None:
        try:
            taken = known.notify(title=message.title, body=message.text, notify_type=TYPES[message.severity])
        except NotTold:
            raise
        except Exception as error:  # noqa: BLE001 - a service's library raises what it likes, addresses in its text
            raise NotTold(f"its library failed ({type(error).__name__})") from None
        if not taken:
            raise NotTold("the service is not there or did not take it")

    return send
