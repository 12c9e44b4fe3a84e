"""The shadow: a model cell, made of belief alone, that is driven beside a run by what the run measures."""
