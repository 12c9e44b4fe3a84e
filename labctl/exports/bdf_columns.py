"""The columns of the Battery Data Format that a cycling run has, and what they are called with us.

Labels, machine-readable names and units as batterydf 0.1.0 has them (Battery Data Alliance).
"""

from __future__ import annotations

from dataclasses import dataclass

IRI = "https://w3id.org/battery-data-alliance/ontology/battery-data-format#"
"""What a machine-readable name is appended to."""


@dataclass(frozen=True)
class BdfColumn:
    """One column: preferred label, machine-readable name, our key where one of ours has the values as they are."""

    label: str
    name: str
    key: str = ""
    integer: bool = False
    may_be_missing: bool = False

    @property
    def unit(self) -> str:
        """Return the unit in the label."""
        return self.label.rpartition(" / ")[2]


TIME = BdfColumn("Test Time / s", "test_time_second", "test_time")
VOLTAGE = BdfColumn("Voltage / V", "voltage_volt", "voltage")
CURRENT = BdfColumn("Current / A", "current_ampere", "current")
UNIX_TIME = BdfColumn("Unix Time / s", "unix_time_second", "unix_time")
CYCLE = BdfColumn("Cycle Count / 1", "cycle_count", "cycle", integer=True)
STEP = BdfColumn("Step Count / 1", "step_count", "step_count", integer=True)
AMBIENT = BdfColumn(
    "Ambient Temperature / degC", "ambient_temperature_celsius", "ambient_temperature", may_be_missing=True
)
CHARGING_CAPACITY = BdfColumn("Charging Capacity / Ah", "charging_capacity_ah")
DISCHARGING_CAPACITY = BdfColumn("Discharging Capacity / Ah", "discharging_capacity_ah")
NET_CAPACITY = BdfColumn("Net Capacity / Ah", "net_capacity_ah", "charge")
CHARGING_ENERGY = BdfColumn("Charging Energy / Wh", "charging_energy_wh")
DISCHARGING_ENERGY = BdfColumn("Discharging Energy / Wh", "discharging_energy_wh")
NET_ENERGY = BdfColumn("Net Energy / Wh", "net_energy_wh", "energy")

REQUIRED = (TIME, VOLTAGE, CURRENT)
"""Columns without which a table is no BDF."""

COLUMNS = (
    *REQUIRED,
    UNIX_TIME,
    CYCLE,
    STEP,
    AMBIENT,
    CHARGING_CAPACITY,
    DISCHARGING_CAPACITY,
    NET_CAPACITY,
    CHARGING_ENERGY,
    DISCHARGING_ENERGY,
    NET_ENERGY,
)
"""What an export writes, in this order."""

BALANCES = (
    (CHARGING_CAPACITY, DISCHARGING_CAPACITY, NET_CAPACITY),
    (CHARGING_ENERGY, DISCHARGING_ENERGY, NET_ENERGY),
)
"""What goes in less what comes out is the net value."""
