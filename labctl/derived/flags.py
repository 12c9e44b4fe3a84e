"""What a row of a derived table may have to say about itself."""

from __future__ import annotations

import enum


class DerivedFlag(enum.IntFlag):
    """Why a value is NaN, or is not to be taken at its word."""

    OK = 0
    UNFINISHED = 1  # the half was cut short: its capacity is unknown, NaN
    END_UNKNOWN = 2  # nothing says whether the run's last cycle was finished
    NO_SIZE = 4  # area or thickness unknown: NaN per area or per volume
    NO_REST = 8  # no rest where one is needed: NaN
    NO_RESISTANCE = 16  # no row early enough after a step: NaN
    ROWS_LEFT_OUT = 32  # rows whose reading failed are missing
    NOT_CONSTANT = 64  # current or power was not held over the discharge
    DOUBTFUL = 128  # a condition of the method does not hold; `doubts` says which
    NOT_CALCULATED = 256  # the method gives nothing here; `doubts` says why
    KK_DOUBTFUL = 512  # the Kramers-Kronig residuals are above noise
    KK_FAILED = 1024  # the spectrum is not that of a linear cell that stood still
    UNDETERMINED = 2048  # a parameter's error exceeds half its value
    NO_REFERENCE = 4096  # nothing to compare with: NaN
    FIRST = 16384  # the first cycle: how full the cell was before decides its charge and its efficiency
    NO_CAPACITY = 32768  # the start document says no capacity: no C-rate, NaN
    TOO_COARSE = 8192  # rows lie further apart than the windows: what is between was not seen
