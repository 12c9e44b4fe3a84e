"""The session's one clock: wall (hardware), or virtual, on which the engine's own event loop is the scheduler."""
