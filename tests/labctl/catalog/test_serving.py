"""A real server process on a free port; skipped where Tiled is not installed."""

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("tiled")
pytest.importorskip("bluesky_tiled_plugins")
pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.timeout(180), pytest.mark.slow]

import httpx  # noqa: E402
from tiled.client import from_uri  # noqa: E402
from tiled.queries import Key  # noqa: E402

from labctl.catalog.follower import follow_once  # noqa: E402
from labctl.catalog.place import VARIABLE  # noqa: E402
from labctl.catalog.reach import KEY  # noqa: E402

ROOT = Path(__file__).parents[3]
PATIENCE = 60.0
"""Seconds of a busy machine's wall for one answer."""


@pytest.fixture
def served(place: Any, write: Callable[..., Any]) -> Iterator[tuple[str, str, Any]]:
    """The server's address, its key, and the run that it serves."""
    run = write()
    run.page(12)
    run.stop()
    follow_once(place, print)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-P", "-m", "labctl", "serve", "--port", str(port), "--data", str(place.data)]
    process = subprocess.Popen(
        command,
        env={**os.environ, "PYTHONPATH": str(ROOT), VARIABLE: place.uri},
        stdout=subprocess.PIPE,
        text=True,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        wait_for(address, process)
        yield address, (place.folder / KEY).read_text(encoding="ascii").strip(), run
    finally:
        process.send_signal(signal.SIGTERM)
        said, _ = process.communicate(timeout=60)
    assert process.returncode in (0, -signal.SIGTERM)
    assert said.count((place.folder / KEY).read_text(encoding="ascii").strip()) == 1


def wait_for(address: str, process: subprocess.Popen[str]) -> None:
    for _ in range(300):
        assert process.poll() is None, "the server ended"
        try:
            if httpx.get(f"{address}/healthz", timeout=PATIENCE).status_code == 200:
                return
        except httpx.TransportError:
            threading.Event().wait(0.3)
    raise AssertionError("the server does not answer")


def test_those_with_the_key_read_and_nobody_writes(
    served: tuple[str, str, Any], request: pytest.FixtureRequest
) -> None:
    address, key, run = served
    for query in ("", "?api_key=wrong"):
        for route in (
            "metadata/",
            "search/",
            f"metadata/{run.uid}",
            f"table/full/{run.uid}/primary/internal",
        ):
            assert httpx.get(f"{address}/api/v1/{route}{query}", timeout=PATIENCE).status_code == 401
    catalogue = from_uri(address, api_key=key, timeout=httpx.Timeout(PATIENCE))
    request.addfinalizer(catalogue.context.close)
    found = catalogue.search(Key("start.plan_name") == "cycle")[run.uid]
    assert found["primary"].read()["step"].values.tolist() == [n * 1_000_003 for n in range(1, 13)]
    names = [name for name, _ in found.documents()]
    assert names == ["start", "descriptor", *["event"] * 12, "stop"]
    for attempt in (
        lambda: catalogue.create_container("x"),
        lambda: catalogue.delete_contents(recursive=True, external_only=False),
        lambda: found.update_metadata({"a": 1}),
    ):
        with pytest.raises(httpx.HTTPStatusError, match="403"):
            attempt()
    assert list(catalogue) == [run.uid]
