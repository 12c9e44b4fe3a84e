"""A lab's own folder: made by `labctl init`, added to by `labctl new`, its transcripts played."""
