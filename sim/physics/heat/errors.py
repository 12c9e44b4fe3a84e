"""What can go wrong in a heat calculation; each means that its numbers must not be used.

HeatError
├── NotConverged    Newton's iteration did not settle
├── EnergyGate      absorbed, lost and stored energy do not add up
├── OutsideTable    colder or hotter than a substance's properties are known for
└── NotLinear       a linear engine was given properties or losses that depend on temperature
"""


class HeatError(RuntimeError):
    """Report a heat calculation that must not be used."""


class NotConverged(HeatError):
    """Report that Newton's iteration did not settle."""


class EnergyGate(HeatError):
    """Report that absorbed, lost and stored energy do not add up."""


class OutsideTable(HeatError, ValueError):
    """Report a substance colder or hotter than its properties are known for."""


class NotLinear(HeatError, ValueError):
    """Report properties or losses that depend on temperature where none may."""
