"""One driver per instrument, read like a data sheet; the file's stem names the instrument everywhere."""
