"""Twins in a process of their own: on ptys and TCP ports, with a black box, with faults by script, with hands."""
