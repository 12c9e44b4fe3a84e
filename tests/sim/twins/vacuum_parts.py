"""What stands behind the twins of a vacuum system where there is no chamber: each does what it is told at once."""

from __future__ import annotations


class Crystal:
    """A quartz crystal; the test says how fast its frequency falls from where it was last set."""

    def __init__(self, frequency: float = 5_950_000.0) -> None:
        self.hertz = frequency
        self.lives = True

    def frequency(self) -> float:
        return self.hertz

    def alive(self) -> bool:
        return self.lives


class Inlet:
    """An MFC without a lag; a stuck one stays where it is."""

    def __init__(self) -> None:
        self.molecules = 0.0
        self.stuck = False

    def set_flow(self, molecules_per_second: float) -> None:
        if not self.stuck:
            self.molecules = molecules_per_second

    def flow(self) -> float:
        return self.molecules


class Rotor:
    """A rotor that stands or turns as the test says."""

    def __init__(self, speed: float = 0.0, current: float = 0.0) -> None:
        self.hertz, self.amperes = speed, current
        self.driven = False

    def drive(self, on: bool) -> None:
        self.driven = on

    def speed(self) -> float:
        return self.hertz

    def current(self) -> float:
        return self.amperes


class Throttle:
    """A valve whose chamber's pressure is `opened` when open and `opened + rise` when closed."""

    def __init__(self, opened: float = 0.0, rise: float = 0.0) -> None:
        self.at = 0.0
        self.opened, self.rise = opened, rise
        self.set_point: float | None = None
        self.blocked = False

    def move_to(self, position: float) -> None:
        self.at = position

    def is_blocked(self) -> bool:
        return self.blocked

    def position(self) -> float:
        return self.at

    def pressure(self) -> float:
        return self.opened + (1.0 - self.at) * self.rise if self.set_point is None else self.set_point

    def control(self, set_point: float | None) -> None:
        self.set_point = set_point
