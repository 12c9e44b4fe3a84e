"""MethodSCRIPT, the language of PalmSens instruments: from a job to a script, and from its output to values."""
