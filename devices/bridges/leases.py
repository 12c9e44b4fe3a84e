"""Who may write to which channel of a bridge: the client that did so last, for as long as it lives."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime


@dataclass(eq=False)
class Client:
    """Somebody on the other end of a wire; `name` says who, for people."""

    name: str


@dataclass(frozen=True)
class Lease:
    """A channel held by a client; since [s] the epoch."""

    client: Client
    since: float

    def __str__(self) -> str:
        since = datetime.fromtimestamp(self.since, UTC).isoformat(timespec="seconds")
        return f"{self.client.name} since {since}"


@dataclass
class Leases:
    """The leases of a bridge, by channel."""

    held: dict[int, Lease] = field(default_factory=dict)

    def take(self, channel: int, client: Client, now: float) -> Lease | None:
        """Take the channel, at `now` [s since the epoch]; return the lease of another client that has it, if any."""
        lease = self.held.setdefault(channel, Lease(client, now))
        return None if lease.client is client else lease

    def override(self, channel: int, client: Client) -> Lease | None:
        """Return the lease that somebody else has on a channel, which stays."""
        lease = self.held.get(channel)
        return None if lease is None or lease.client is client else lease

    def free(self, client: Client) -> list[int]:
        """End all leases of a client that is gone; return their channels."""
        channels = sorted(channel for channel, lease in self.held.items() if lease.client is client)
        for channel in channels:
            del self.held[channel]
        return channels
