"""The shell of a bench: IPython with the lab in it, words instead of tracebacks, and a log of what was typed."""
