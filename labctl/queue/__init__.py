"""bluesky-queueserver with this lab: its startup profile, its plans by name, a guard for its worker."""
