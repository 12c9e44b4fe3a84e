"""Files that survive: records, run journals, device spools."""
