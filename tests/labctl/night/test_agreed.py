"""What a list agreed to beforehand asks nobody in the night; everything else of the kind ends its item."""

import pytest

from labctl.config.folder import Config
from labctl.night.listing import read_night
from labctl.night.rehearsal import rehearse
from labctl.night.resuming import go_on_with
from labctl.samples.facts import Facts


@pytest.fixture
def doubtful(config):
    """Have a film of which its description says that it is doubtful."""
    path = config / "samples" / "film-0.toml"
    path.write_text(path.read_text().replace('"LiCoO2"', '"LiCoO2", doubtful = "there were arcs"'))


@pytest.fixture
def questions(config, data, doubtful):
    """Return questions(list), which rehearses it and returns what somebody would be asked."""

    def questions_(path):
        night, bench, limits = read_night(path, Config(config))
        return rehearse(night, bench, limits, Config(config), data, go_on_with).questions

    return questions_


def test_what_its_rehearsal_asks_a_list_can_agree_to_word_for_word(questions, conduct, write, data):
    asked = sorted(set(questions(write("flash-0"))))
    assert "there were arcs" in asked[0]
    agreed = write({"experiment": "flash-0", "agreed": asked})
    assert questions(agreed) == ()
    assert conduct(agreed).state("flash-0") == "done"
    words = [fact for fact in Facts(data).of("film-0") if fact["fact"] == "confirmed"]
    assert {word["by"] for word in words} == {"the list of the night, item flash-0"}
    assert {word["place"] for word in words} == {"lamp"}


@pytest.mark.parametrize(
    "agreed",
    [[], ["agree for sample film-0 at furnace: a film of film-0 is doubtful; type yes"]],
    ids=["nothing", "something else"],
)
@pytest.mark.usefixtures("doubtful")
def test_what_it_did_not_agree_to_ends_the_item(conduct, write, agreed):
    told = conduct(write({"experiment": "flash-0", "agreed": agreed}))
    assert told.state("flash-0") == "failed"
    assert "nobody is there to agree" in told.states["flash-0"].reason
