"""Equations of the lab: state, inputs and time step in, state out (numpy and scipy only)."""
