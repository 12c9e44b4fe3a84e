"""Orders as a person gives them: what cannot be is told at once, what can waits for the night to find."""

import pytest

from devices.errors import LabError
from labctl.night.chronicle import Chronicle
from labctl.night.folder import Begun, make_folder
from labctl.night.ordering import give_order
from labctl.night.orders import pending


@pytest.fixture
def night(config, write, tmp_path):
    """Return the folder of a night with two items to which nothing has happened yet."""
    begun = Begun(str(tmp_path), "list", str(config), "", 1.0, 1, 0.0)
    folder = make_folder(tmp_path / "lab", write("cycle-0", "cycle-1"), begun)
    chronicle = Chronicle(folder, {"night": folder.name})
    chronicle.tell(1.0, "listed", hashes={"cycle-0": "", "cycle-1": ""}, boot="", since_boot=0.0)
    chronicle.close()
    return folder


def order(night, verb, what="", before="", name="", after=()):
    return give_order(verb, what, before, name, after, "", night.parents[1])


def test_orders_wait_in_their_order_for_the_night_to_find_them(night):
    assert order(night, "move", "cycle-1", before="cycle-0") == f"night {night.name} will move cycle-1"
    order(night, "add", "flash-0", after=["cycle-0"])
    order(night, "remove", "cycle-0")
    order(night, "stop")
    assert [told.verb for _, told in pending(night)] == ["move", "add", "remove", "stop"]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (("dance",), "there is no order 'dance'"),
        (("remove", "cycle-9"), "has no item 'cycle-9'; it has cycle-0, cycle-1"),
        (("move", "cycle-0", "cycle-9"), "cycle-9"),
        (("add", "cycle-0"), "give it a --name"),
        (("add", "nowhere"), "nowhere"),
        (("add",), "say what to add"),
    ],
)
def test_what_cannot_be_is_refused_in_words_and_leaves_no_order(night, given, words):
    with pytest.raises(LabError, match=words):
        order(night, *given)
    assert list(pending(night)) == []


def test_a_night_that_is_over_takes_no_orders(night):
    chronicle = Chronicle(night, {"night": night.name})
    chronicle.tell(2.0, "over", counts={})
    chronicle.close()
    with pytest.raises(LabError, match="is over"):
        order(night, "stop")
