"""The tables of the reference, made from the code that they are about."""
