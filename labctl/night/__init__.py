"""The unattended night: a list of experiments, rehearsed, run, watched, gone on with, reported."""
