import pytest

from labctl.config.telling import Target
from labctl.telling.courier import DAY, FIRST_PAUSE, LONGEST_PAUSE, Courier, try_targets
from labctl.telling.outbox import Message, Outbox
from labctl.telling.services import NotTold

MAIL, PHONE = Target("mail", url="json://x"), Target("phone", url="json://y", least="alarm")


class Service:
    """A service in a world with a clock of its own; `down` names targets that refuse."""

    def __init__(self, data):
        self.outbox, self.time, self.down, self.taken, self.asked = Outbox(data), 0.0, set(), [], 0
        self.courier = self.another()

    def another(self, targets=(MAIL, PHONE)):
        return Courier(self.outbox, targets, self.connect, lambda: self.time, lambda: 1e9 + self.time)

    def connect(self, target):
        def send(message):
            self.asked += 1
            if target.name in self.down:
                raise NotTold("down")
            self.taken.append((target.name, message.id))

        return send

    def put(self, name, severity="alarm"):
        self.outbox.put(Message(name, 1e9 + self.time, severity, "title", "text"))

    def pass_time(self, seconds, step=1.0):
        for _ in range(int(seconds / step)):
            self.time += step
            self.courier.look()


@pytest.fixture
def service(tmp_path):
    return Service(tmp_path)


def test_every_message_reaches_everybody_who_wants_it_and_is_noted(service):
    service.put("a")
    service.put("b", "info")
    service.courier.look()
    assert service.courier.look() is False
    assert sorted(service.taken) == [("mail", "a"), ("mail", "b"), ("phone", "a")]
    assert service.outbox.deliveries()["a"].delivered == {"mail": 1e9, "phone": 1e9}


def test_a_message_is_put_once_however_often_it_is_put(service):
    for _ in range(3):
        service.put("a")
        service.pass_time(2.0)
    assert service.taken == [("mail", "a"), ("phone", "a")]


def test_a_service_that_is_down_gets_everything_when_it_comes_back(service):
    service.down = {"mail"}
    for name in ("a", "b", "c"):
        service.put(name)
    service.pass_time(3600.0, 10.0)
    assert sorted(service.taken) == [("phone", "a"), ("phone", "b"), ("phone", "c")]
    service.down = set()
    service.pass_time(2 * LONGEST_PAUSE, 10.0)
    assert sorted(service.taken) == sorted((to, name) for to in ("mail", "phone") for name in "abc")
    assert service.outbox.waiting() == []


def test_pauses_grow_so_that_a_day_has_few_attempts(service):
    service.down = {"mail"}
    service.put("a", "info")
    service.pass_time(DAY - 100.0, 60.0)
    doublings = 10
    assert doublings < service.asked < doublings + DAY / LONGEST_PAUSE
    assert FIRST_PAUSE * 2**doublings > LONGEST_PAUSE


def test_after_a_day_nobody_tries_any_more_and_that_is_noted(service):
    service.down = {"mail"}
    service.put("a", "info")
    service.courier.look()
    service.time += DAY + 1.0
    assert service.courier.look() is False
    fared = service.outbox.deliveries()["a"]
    assert (fared.given_up, fared.refused) == (True, {"mail": "down"})


def test_another_courier_goes_on_and_sends_nobody_the_same_again(service):
    service.down = {"mail"}
    service.put("a")
    service.courier.look()
    service.down = set()
    service.another().look()
    assert service.taken == [("phone", "a"), ("mail", "a")]


def test_a_service_that_is_down_does_not_keep_others_waiting(service):
    service.down = {"mail"}
    service.put("a")
    service.courier.look()
    tried = []
    service.courier._connect = lambda target: lambda message: tried.append(target.name)
    service.time += 100.0
    service.put("b")
    service.courier.look()
    assert tried == ["phone", "mail", "mail"]


def test_killed_between_sending_and_noting_it_sends_again(service):
    service.put("a", "info")
    service.outbox.note = None
    with pytest.raises(TypeError):
        service.courier.look()
    del service.outbox.note
    service.another().look()
    assert service.taken == [("mail", "a"), ("mail", "a")]


def test_what_nobody_wants_does_not_wait(service):
    service.courier = service.another([PHONE])
    service.put("a", "info")
    assert service.courier.look() is False
    service.put("a", "info")
    assert service.outbox.waiting() == []


def test_one_refusal_is_noted_and_not_each(service):
    service.down = {"mail"}
    service.put("a", "info")
    service.pass_time(1000.0)
    assert sum(fact["fact"] == "refused" for fact in service.outbox.notes()) == 1


def test_a_broken_service_is_told_before_the_night_begins_and_nothing_is_raised(tmp_path):
    (tmp_path / "telling.toml").write_text(
        'schema = 1\n[[target]]\nname = "mail"\nurl = "json://u:secret@x"\n[[target]]\nname = "good"\nurl = "json://y"\n'
    )

    def connect(target):
        def send(message):
            if target.name == "mail":
                raise NotTold("wrong password")

        return send

    said = try_targets(tmp_path / "data", tmp_path, 5.0, connect)
    assert "mail is BROKEN: wrong password" in said[0]
    assert "good works" in said[1]
    kept = (tmp_path / "data" / "outbox" / "told.jsonl").read_text()
    assert "secret" not in kept + "".join(said)


def test_a_service_that_hangs_holds_the_night_up_no_longer_than_it_may(tmp_path):
    import threading
    from time import monotonic

    (tmp_path / "telling.toml").write_text('schema = 1\n[[target]]\nname = "mail"\nurl = "json://x"\n')
    ever = threading.Event()
    before = monotonic()
    (said,) = try_targets(tmp_path / "data", tmp_path, 0.2, lambda target: lambda message: ever.wait(10.0))
    assert monotonic() - before < 2.0
    assert "no answer within 0.2 s" in said
    ever.set()


@pytest.mark.parametrize(
    ("written", "words"),
    [(None, "nobody will be told"), ("schema = 1\n", "nobody"), ("schema = 1\n[[target]]\n", "BROKEN")],
)
def test_telling_that_is_not_configured_is_told_and_the_night_begins(tmp_path, written, words):
    if written is not None:
        (tmp_path / "telling.toml").write_text(written)
    (said,) = try_targets(tmp_path / "data", tmp_path)
    assert words in said
