"""Films from hot sources and lasers, and through masks."""
