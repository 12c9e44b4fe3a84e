"""The part of MethodSCRIPT that a PalmSens twin runs: its grammar, its machine, and the electronics it commands."""
