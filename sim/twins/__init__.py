"""Twins: an instrument's firmware and its command table, one file each; the physics is called, not contained.

A twin never reads a clock. Whoever carries it (the bench) calls, in order of time:

    advance(now)            integrate the continuous state up to `now`
    receive(data, now)      bytes in, bytes out; `data` may be any part of a request
    next_event()            bench time of the next thing it does by itself, or None
    fire_event(now)         do that thing

Each keeps `log`, the black box: (time, event, detail) of what it really did. Looking changes nothing: no
query consumes random numbers, so that extra queries leave later values as they were.
"""
