"""What a call of the Squidstat's library answers: the vendor's codes, in words of ours."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from typing import Any, TypeAlias


class ErrorCode(IntEnum):
    """The codes of AisErrorCode.h, as far as the twin's calls go."""

    Success = 0
    ConnectionFailed = 1
    InvalidChannel = 10
    BusyChannel = 11
    DeviceNotFound = 13
    FeatureNotSupported = 14
    ManualExperimentNotRunning = 51
    ExperimentNotUploaded = 52
    ExperimentIsEmpty = 53
    InvalidParameters = 54
    ChannelNotBusy = 55
    ExperimentUploaded = 56
    FailedToSetManualModeCurrentRange = 101
    FailedToSetManualModeConstantVoltage = 102
    FailedToResumeExperiment = 104
    FailedToStopExperiment = 105
    ExperimentAlreadyPaused = 107
    FailedToSetManualModeConstantCurrent = 110
    FailedToSetManualModeSamplingInterval = 112


MESSAGES: Mapping[ErrorCode, str] = {
    ErrorCode.Success: "Success",
    ErrorCode.ConnectionFailed: "Failed to connect to the device on this port",
    ErrorCode.InvalidChannel: "The given channel number is not valid",
    ErrorCode.BusyChannel: "The channel is busy",
    ErrorCode.DeviceNotFound: "No device was detected to be connected",
    ErrorCode.FeatureNotSupported: "The device does not have this feature",
    ErrorCode.ManualExperimentNotRunning: "No manual experiment runs on the channel",
    ErrorCode.ExperimentNotUploaded: "No experiment has been uploaded to the channel",
    ErrorCode.ExperimentIsEmpty: "The experiment has no elements",
    ErrorCode.InvalidParameters: "A given parameter is out of the allowed range",
    ErrorCode.ChannelNotBusy: "Nothing runs on the channel",
    ErrorCode.ExperimentUploaded: "An experiment is uploaded to the channel",
    ErrorCode.FailedToSetManualModeCurrentRange: "There is no such current range",
    ErrorCode.FailedToSetManualModeConstantVoltage: "The voltage is out of the allowed range",
    ErrorCode.FailedToResumeExperiment: "There is no paused experiment on the channel",
    ErrorCode.FailedToStopExperiment: "There is no experiment running on the channel",
    ErrorCode.ExperimentAlreadyPaused: "The experiment is paused already",
    ErrorCode.FailedToSetManualModeConstantCurrent: "The current is out of the allowed range",
    ErrorCode.FailedToSetManualModeSamplingInterval: "The interval is out of the allowed range",
}
"""Words of ours: the headers give the codes and their meaning, not the texts."""


Code: TypeAlias = ErrorCode


class AisErrorCode:
    """The answer of a call: `value()` is the code, `message()` says it in words.

    Programs name the codes AisErrorCode.Success and AisErrorCode.ErrorCode.Success.
    """

    ErrorCode = ErrorCode
    Success: Any
    ConnectionFailed: Any

    def __init__(self, code: Code = Code.Success) -> None:
        self._code = code

    def value(self) -> int:
        """Return the code."""
        return int(self._code)

    def message(self) -> str:
        """Return the code in words."""
        return MESSAGES[self._code]


for _code in ErrorCode:
    setattr(AisErrorCode, _code.name, _code)
