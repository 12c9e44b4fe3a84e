"""Two-step arming: a token is issued after all checks and used once; without it no trigger is sent."""

from __future__ import annotations

import os
import secrets
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from devices.clock import Clock, Handle, Poller
from devices.errors import InterlockError, LabError, TokenExpired
from devices.locks import LOCKS, PortLock, lock_path
from devices.recipes import canonical_hash, to_json
from devices.roles.lamp import AnnealJob
from devices.roles.lamp_parts import BoardDeed

TOKEN_LIFE = 30.0
"""Seconds of the clock (CLOCK_BOOTTIME on hardware) within which a token must be used [safety budget of the lab]."""

WATCH_PERIOD = 0.5
"""Seconds between looks at the permissives while a token waits to be used."""

Deed = Literal["charge", "trigger", "set", "close", "feed"]
"""What a train is granted, one at a time."""

REFUSED: Mapping[Deed, str] = {
    "trigger": "no pulse of a train is due; no trigger was sent",
    "charge": "no train charges its bank now; nothing was switched on",
    "set": "no train sets its gate now; nothing was set",
    "close": "no train closes its interlock loop now; nothing was closed",
    "feed": "no train keeps its loop closed now; its dead-man was not fed",
}
"""Why each deed is refused to whoever is not the train."""


@dataclass(frozen=True)
class Watch:
    """A look that raises when something is no longer as it was when a token was given; run on a lane."""

    lane: str
    look: Callable[[], None]


@dataclass(frozen=True)
class ArmToken:
    """The right to fire one train: of this session, on this sample, by this recipe, until `issued` + TOKEN_LIFE."""

    session: str
    sample: str
    recipe_hash: str
    issued: float
    number: str


class Owner(Protocol):
    """Keeps a lamp to one process at a time."""

    def take(self) -> None:
        """Take the lamp; harmless twice. Raises OwnershipError that names the holder."""

    def release(self) -> None:
        """Let others have it; harmless twice."""

    def holder(self) -> str:
        """Return who has it, in words."""


class LampOwner:
    """Owns a lamp by a lock file. The kernel frees it when the process ends, however it ends.

    address: what names this very lamp among all that share the directory.
    """

    def __init__(self, address: str, clock: Clock, directory: Path = LOCKS) -> None:
        self._address, self._clock, self._directory = address, clock, directory
        self._lock: PortLock | None = None

    def take(self) -> None:
        """Take the lamp; harmless twice. Raises OwnershipError that names the holder."""
        if self._lock is None:
            self._lock = PortLock(self._address, self._clock, self._directory)

    def release(self) -> None:
        """Let others have it; harmless twice."""
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def holder(self) -> str:
        """Return who has it, in words."""
        if self._lock is not None:
            return f"this session (pid {os.getpid()})"
        # Looking must not keep anybody from taking it, not even for a moment: the file is read, not locked.
        try:
            said = lock_path(self._address, self._directory).read_text()
        except OSError:
            return "nobody"
        pid = said.split()[1] if said.startswith("pid ") else ""
        return said if pid.isdecimal() and Path(f"/proc/{pid}").exists() else "nobody"


class Nobody:
    """An owner where there is nobody to share with: a station without a session."""

    def take(self) -> None:
        """Take it; nobody else can."""

    def release(self) -> None:
        """Give it back."""

    def holder(self) -> str:
        """Return who has it, in words."""
        return "nobody"


class Arming:
    """Issues tokens, redeems each once, and permits triggers while the train goes on that redeemed one."""

    def __init__(self, name: str, clock: Clock, session: str, owner: Owner) -> None:
        self._name, self._clock, self._session, self._owner = name, clock, session, owner
        self._lock = threading.RLock()
        self._issued: ArmToken | None = None
        self._expiry: Handle | None = None
        self._permitted = False
        self._granted: Deed | None = None
        self._lapsed = ""
        self._watch: Handle | None = None
        self._withdrawn: tuple[str, LabError] | None = None

    @property
    def permitted(self) -> bool:
        """Whether a train may send triggers."""
        return self._permitted

    @property
    def owner(self) -> str:
        """Who has the lamp, in words."""
        return self._owner.holder()

    def issue(self, job: AnnealJob, watch: Watch | None = None) -> ArmToken:
        """Take the lamp and return a token for this job; an earlier one is void. Raises OwnershipError.

        watch: looks at what the token was given for, and raises when it is no longer so: that withdraws the token.
        """
        with self._lock:
            self._owner.take()
            self._void()
            token = ArmToken(
                self._session,
                job.sample.id,
                canonical_hash(to_json(job.recipe)),
                self._clock.now(),
                secrets.token_hex(8),
            )
            self._issued = token
            self._expiry = self._clock.after(TOKEN_LIFE, lambda: self._expired(token), "arm token")
        if watch is not None:
            self._watch = self._clock.spawn(
                watch.lane, self._watched(watch), lambda error: self._withdraw(token, error)
            )
        return token

    def redeem(self, token: ArmToken, job: AnnealJob) -> None:
        """Use a token up: triggers are permitted until end(). Raises InterlockError when it is not good for that."""
        with self._lock:
            issued = self._issued
            if self._withdrawn is not None and self._withdrawn[0] == token.number:
                raise self._withdrawn[1]
            if token.number == self._lapsed or (
                token == issued and self._clock.now() - token.issued > TOKEN_LIFE
            ):
                self.end()
                raise TokenExpired(
                    "arm token",
                    f"it is older than {TOKEN_LIFE:g} s; nothing was charged. Arm {self._name} again",
                )
            if issued is None or token != issued:
                self._refuse("was used before or was never issued here")
            wanted = (self._session, job.sample.id, canonical_hash(to_json(job.recipe)))
            if (token.session, token.sample, token.recipe_hash) != wanted:
                self._refuse("is for another session, sample or recipe")
            self._void()
            self._permitted = True

    def grant(self, deed: Deed) -> None:
        """Let one deed pass, of the train whose token was redeemed."""
        self._granted = deed if self._permitted else None

    def permit(self, deed: Deed) -> None:
        """Raise InterlockError for what no train was granted; asked before each deed, and used up by it."""
        granted, self._granted = self._granted, None
        if granted != deed:
            raise InterlockError("arm token", f"{self._name} is not armed: {REFUSED[deed]}. Run a plan")

    def permit_board(self, deed: BoardDeed) -> None:
        """Raise InterlockError for what the board is asked to do by another than a train, or against an armed lamp."""
        if deed != "forget":
            self.permit(deed)
        elif self._permitted or self._issued is not None:
            raise InterlockError(
                "arm token",
                f"{self._name} is armed, and what was open since then stops it; nothing was forgotten. Type"
                f" lab.{self._name}.safe() first",
            )

    def end(self) -> None:
        """Permit no further trigger, void every token, give the lamp back."""
        with self._lock:
            self._permitted, self._granted = False, None
            self._void()
            self._owner.release()

    def _expired(self, token: ArmToken) -> None:
        with self._lock:
            if self._issued is token:
                self._lapsed = token.number
                self.end()

    def _watched(self, watch: Watch) -> Poller:
        while True:
            yield WATCH_PERIOD
            watch.look()

    def _withdraw(self, token: ArmToken, error: Exception) -> None:
        """Withdraw a token whose permissives are no longer there, or can no longer be asked for."""
        with self._lock:
            if self._issued is not token:
                return
            why = f"withdrawn after it was armed ({error}); nothing was charged. Arm {self._name} again"
            permissive = error.permissive if isinstance(error, InterlockError) else "link"
            self._withdrawn = (token.number, InterlockError(permissive, why))
            self.end()

    def _void(self) -> None:
        self._issued = None
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None
        if self._expiry is not None:
            self._expiry.cancel()
            self._expiry = None

    def _refuse(self, why: str) -> None:
        raise InterlockError("arm token", f"the token {why}; nothing was charged. Arm {self._name} again")
