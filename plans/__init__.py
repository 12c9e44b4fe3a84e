"""Experiments, written against roles. A plan is a function annotated `-> MsgGenerator`."""
