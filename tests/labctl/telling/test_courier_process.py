import os
import signal
import subprocess
import sys

from labctl.telling.courier import run_courier
from labctl.telling.outbox import Message, Outbox


def test_a_courier_tries_what_waits_keeps_others_away_and_ends_when_asked(tmp_path):
    (tmp_path / "telling.toml").write_text(
        'schema = 1\n[[target]]\nname = "mail"\nurl_from = "LABCTL_NO_SUCH"\n'
    )
    outbox = Outbox(tmp_path / "data")
    outbox.put(Message("a", 4e9, "info", "title", "text"))
    command = [sys.executable, "-m", "labctl", "night-courier", str(tmp_path / "data"), str(tmp_path)]
    courier = subprocess.Popen(command, env={**os.environ, "PYTHONPATH": "."})
    try:
        while not list(outbox.notes()):
            assert courier.poll() is None
        assert run_courier(tmp_path / "data", tmp_path) == 0
        assert courier.poll() is None
        courier.send_signal(signal.SIGTERM)
        assert courier.wait(10.0) == 0
    finally:
        courier.kill()
        courier.wait()
    assert [message.id for message in outbox.waiting()] == ["a"]
    assert not (outbox.folder / "courier.beat").exists()
