"""What is wrong with a machine, a data folder and a bench, and how to mend it."""
