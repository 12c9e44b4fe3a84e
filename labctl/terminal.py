"""The terminal of a script or a prompt: words from a signal handler, a question to whoever sits there."""

from __future__ import annotations

import os
import select
import sys


def tell(text: str) -> None:
    """Say something on standard error, from a signal handler, whether or not anybody is there any more.

    A terminal that hung up, which is what SIGHUP says, fails every later write, and a write that fails would
    keep the run from being ended: what nobody hears goes to nobody.
    """
    for descriptor in (1, 2):
        listener = select.poll()
        listener.register(descriptor, 0)
        if listener.poll(0):
            nobody = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nobody, descriptor)
            os.close(nobody)
    os.write(2, f"\n{text}\n".encode())


def somebody_is_there() -> bool:
    """Return whether a person can be asked: both ends of the conversation are a terminal."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def choice(question: str, answers: tuple[str, ...]) -> str:
    """Return which of the answers a person types; the last one where nobody types any more."""
    while True:
        sys.stderr.write(f"{question}\n{', '.join(answers)}? ")
        sys.stderr.flush()
        line = sys.stdin.readline()
        if not line:
            return answers[-1]
        if line.strip() in answers:
            return line.strip()
