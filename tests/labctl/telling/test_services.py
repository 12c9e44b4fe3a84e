import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from labctl.config.telling import Target
from labctl.telling.outbox import Message
from labctl.telling.services import NotTold, service

# Modules that apprise brings along import what is deprecated.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

MESSAGE = Message("m", 1.0, "alarm", "labctl alarm: lamp", "latched <b>")


class Hook(BaseHTTPRequestHandler):
    def do_POST(self):
        self.server.got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(self.server.answer)
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    with HTTPServer(("127.0.0.1", 0), Hook) as server:
        server.got, server.answer = [], 200
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def local(server):
    return Target("local", url=f"json://user:secret@127.0.0.1:{server.server_port}/night")


def test_a_service_takes_title_text_and_severity(server):
    pytest.importorskip("apprise")
    service(local(server))(MESSAGE)
    (got,) = server.got
    assert (got["title"], got["message"], got["type"]) == (MESSAGE.title, MESSAGE.text, "failure")


def test_a_service_that_refuses_is_told_without_its_address(server):
    pytest.importorskip("apprise")
    server.answer = 401
    with pytest.raises(NotTold) as told:
        service(local(server))(MESSAGE)
    assert "secret" not in str(told.value)


def test_a_service_that_is_not_there_is_told():
    pytest.importorskip("apprise")
    with pytest.raises(NotTold, match="not there"):
        service(Target("gone", url="json://127.0.0.1:1/"))(MESSAGE)


def test_an_address_that_nobody_understands_is_told_without_it():
    pytest.importorskip("apprise")
    with pytest.raises(NotTold) as told:
        service(Target("odd", url="secret-nonsense"))(MESSAGE)
    assert "secret" not in str(told.value)


def test_an_address_comes_from_the_environment(monkeypatch, server):
    pytest.importorskip("apprise")
    target = Target("local", url_from="LABCTL_TEST_URL")
    with pytest.raises(NotTold, match="LABCTL_TEST_URL"):
        service(target)
    monkeypatch.setenv("LABCTL_TEST_URL", local(server).url)
    service(target)(MESSAGE)
    assert len(server.got) == 1


def test_without_apprise_it_is_said_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "apprise", None)
    with pytest.raises(NotTold, match=r"labctl\[notify\]"):
        service(Target("mail", url="mailto://x"))
