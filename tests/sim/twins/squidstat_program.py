"""A program for the Squidstat, as its owner writes it after the vendor's examples: it knows nothing of a twin.

Charge at constant current, then at constant voltage, look at the impedance, discharge, twice; then read the cell
by hand for a while.
"""

import sys

from PySide6.QtCore import QCoreApplication, QTimer
from SquidstatPyLibrary import (
    AisConstantCurrentElement,
    AisConstantPotElement,
    AisDeviceTracker,
    AisEISPotentiostaticElement,
    AisErrorCode,
    AisExperiment,
    AisOpenCircuitElement,
)

COMPORT = "/dev/ttyACM0"
CHANNEL = 2

app = QCoreApplication([])
tracker = AisDeviceTracker.Instance()
told = {"rows": [], "spectrum": [], "steps": [], "stopped": [], "manual": [], "errors": []}

charge = AisConstantCurrentElement(0.000086, 10, 36000)
charge.setMaxVoltage(4.1)
charge.setMaxCapacity(1.0)
hold = AisConstantPotElement(4.1, 1, 3600)
hold.setMinAbsoluteCurrent(0.00002)
impedance = AisEISPotentiostaticElement(10000, 1, 5, 0, 0.01)
impedance.setBiasVoltageVsOCP(True)
impedance.setMinimumCycles(2)
discharge = AisConstantCurrentElement(-0.000086, 10, 36000)
discharge.setMinVoltage(3.5)

cycle = AisExperiment()
success = cycle.appendElement(charge, 1)
success &= cycle.appendElement(hold)
success &= cycle.appendElement(impedance)
success &= cycle.appendElement(discharge)
experiment = AisExperiment()
success &= experiment.appendElement(AisOpenCircuitElement(30, 5), 1)
success &= experiment.appendSubExperiment(cycle, 2)
if not success:
    sys.exit("the experiment cannot be built")


def check(error):
    if error.value() != AisErrorCode.Success:
        told["errors"].append(error.message())
        app.quit()


def look_by_hand(handler):
    handler.activeDCDataReady.connect(
        lambda channel, data: told["manual"].append(data.workingElectrodeVoltage)
    )
    check(handler.startManualExperiment(CHANNEL))
    check(handler.setManualModeSamplingInterval(CHANNEL, 2))
    QTimer.singleShot(10000, lambda: check(handler.setManualModeConstantCurrent(CHANNEL, 0.00001)))
    QTimer.singleShot(20000, lambda: check(handler.setManualModeOCP(CHANNEL)))
    QTimer.singleShot(30000, lambda: check(handler.stopExperiment(CHANNEL)))


def stopped(handler, channel, reason):
    told["stopped"].append(reason)
    if len(told["stopped"]) == 1:
        look_by_hand(handler)
    else:
        app.quit()


def start(name):
    handler = tracker.getInstrumentHandler(name)
    handler.activeDCDataReady.connect(
        lambda channel, data: told["rows"].append((data.timestamp, data.current))
    )
    handler.activeACDataReady.connect(
        lambda channel, data: told["spectrum"].append((data.frequency, data.absoluteImpedance))
    )
    handler.experimentNewElementStarting.connect(lambda channel, info: told["steps"].append(info.stepName))
    handler.experimentStopped.connect(lambda channel, reason: stopped(handler, channel, reason))
    handler.deviceError.connect(lambda channel, error: told["errors"].append(error))
    check(handler.uploadExperimentToChannel(CHANNEL, experiment))
    check(handler.startUploadedExperiment(CHANNEL))


tracker.newDeviceConnected.connect(start)
tracker.deviceDisconnected.connect(lambda name: app.quit())
check(tracker.connectToDeviceOnComPort(COMPORT))
app.exec()
