"""Telling people what happens while nobody looks: alarms, and messages that arrive though a service was down."""
