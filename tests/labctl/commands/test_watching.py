"""Who only looks on and is told to end says so of itself, and of no run."""

import signal

from typer.testing import CliRunner

from labctl.cli import app
from labctl.live import following


def test_an_onlooker_that_is_ended_does_not_speak_of_the_end_of_a_run(kept, monkeypatch):
    def ended(_):
        signal.raise_signal(signal.SIGTERM)

    journal = kept.begin()
    monkeypatch.setitem(following.watch.__kwdefaults__, "wait", ended)
    done = CliRunner().invoke(app, ["watch", "--data", str(kept.folder)])
    journal.close()
    assert done.exit_code == 128 + signal.SIGTERM
    assert "SIGTERM: the watching ended; what it watched goes on as it did" in done.output
    assert "in the journal" not in done.output
