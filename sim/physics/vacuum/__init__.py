"""Gas in vessels: what comes in, what is pumped, what a throttle makes of it."""
