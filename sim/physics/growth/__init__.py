"""Films by sputtering: how much arrives where, of what composition and in what state."""
