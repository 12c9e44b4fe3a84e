"""Plans tried on twins in virtual time, in a folder of their own: a list, an experiment, a call at the prompt."""
