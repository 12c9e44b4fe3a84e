import base64
import json
import re
from html.parser import HTMLParser

import pytest

from devices.errors import DataError
from devices.limits import DiskLimits
from labctl.night.heart import Heart
from labctl.report.html_page import html_page
from labctl.report.making import of_night, of_time, write
from labctl.report.text_page import text_page
from labctl.samples.facts import Facts
from labctl.telling.alarms import Alarms
from tests.labctl.telling.conftest import BEGAN, MadeNight

NASTY = """<script>alert(1)</script><img src=x onerror='alert(2)'>"&amp;\x1b[31m"""
NOW = BEGAN + 1e6


class Seen(HTMLParser):
    """What a browser would make of a page: tags with their attributes, and the text."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.words = [], ""
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_data(self, data):
        self.words += data


def a_night(kept, made, *, label="", reason="Timeout: it fell silent"):
    """Tell a night of an anneal, a cell cycled on it, an item that failed, one left out, one that asks."""
    (made.folder / "rehearsed.json").write_text(
        json.dumps(
            {
                name: {"sample": f"s{n}", "label": label, "state": "done", "duration": 3600.0, "charge": 0.05,
                       "pulses": 3, "rows": 7}
                for n, name in enumerate(("flash", "cycle", "broken", "left", "asking", "never"), 1)
            }
        )
    )  # fmt: skip
    anneal = kept.anneal(time=BEGAN + 10.0)
    cycle = kept.cycle(on="s2", inputs=[anneal], time=BEGAN + 700.0, sample=cell("s2"))
    made.tell("listed", hashes={}).tell("opened", missing={})
    made.tell("started", "flash", experiment="e").tell("run", "flash", uid=anneal).tell(
        "done", "flash", after=610.0
    )
    made.tell("started", "cycle", experiment="f").tell("run", "cycle", uid=cycle)
    made.tell("done", "cycle", after=1300.0)
    made.tell("failed", "broken", reason=reason, after=1300.0)
    made.tell("skipped", "left", reason="broken failed on the same sample", after=1300.0)
    made.tell("asks", "asking", reason="look at the film", after=1300.0)
    return anneal, cycle


def cell(name):
    layers = [{"material": "Al", "thickness": 1e-4}, {"material": "LiCoO2", "thickness": 7e-7}]
    return {"id": name, "label": "", "layers": layers, "area_m2": 1.5e-5}


def page_of(made):
    return of_night(made.folder.parents[1], made.folder, NOW)


def cells(page, title):
    """Return the rows of all tables of a section."""
    (section,) = (each for each in page.sections if each.title == title)
    return [row for table in section.tables for row in table.rows]


def test_what_needs_a_person_stands_first_and_the_worst_of_it_at_the_top(kept, made):
    a_night(kept, made)
    page = page_of(made)
    shown = [each.title for each in page.sections if each.shown]
    assert shown[0] == "What needs you"
    severities = [row[0] for row in cells(page, "What needs you")]
    assert severities == sorted(severities, key=["alarm", "warning"].index)
    assert next(row[1] for row in cells(page, "What needs you")) == "the night"
    assert not page.calm
    assert "2 of 6 items done" in page.verdict


def test_every_item_is_told_with_what_became_of_it_and_why(kept, made):
    a_night(kept, made)
    states = {row[0]: row[2] for row in cells(page_of(made), "What ran")}
    assert states == {"flash": "done", "cycle": "done", "broken": "failed", "left": "skipped", "asking": "asks",
                      "never": "waiting"}  # fmt: skip
    stopped = {row[0]: row for row in cells(page_of(made), "What stopped and why")}
    assert stopped.keys() == states.keys() - {"flash", "cycle"}
    assert "fell silent" in stopped["broken"][2]
    assert "cable" in stopped["broken"][3]
    assert "labctl order go-on asking" in stopped["asking"][3]
    assert "--resume" in stopped["never"][3]


def test_a_night_that_went_well_needs_nobody(kept, made):
    uid = kept.anneal(time=BEGAN + 10.0)
    made.tell("opened", missing={}).tell("started", "flash", experiment="e").tell("run", "flash", uid=uid)
    made.tell("done", "flash", after=600.0).tell("over", after=600.0, counts={"done": 1})
    page = page_of(made)
    assert page.calm
    assert page.verdict == "Nothing needs you. 1 of 1 items done."
    assert "Nothing." in Seen(html_page(page)).words


def test_an_item_that_its_condition_left_out_needs_nobody(kept, made):
    uid = kept.anneal(time=BEGAN + 10.0)
    made.tell("opened", missing={}).tell("started", "flash", experiment="e").tell("run", "flash", uid=uid)
    made.tell("done", "flash", after=600.0)
    made.tell("skipped", "b", reason="flash: last_discharge > 100 uAh: it is 6.826 uAh", after=600.0)
    made.tell("skipped", "c", reason="flash: last_discharge > 1 uAh: no run of flash tells a last_discharge")
    made.tell("over", after=600.0, counts={"done": 1, "skipped": 2})
    page = page_of(made)
    assert [row[1] for row in cells(page, "What needs you")] == ["item c"]
    assert [row[0] for row in cells(page, "What to load next") if len(row) == 4] == ["c"]
    assert {row[0]: row[3] for row in cells(page, "What stopped and why")}["b"].startswith("its condition")


def test_of_two_samples_that_were_brought_to_a_place_the_newest_holds_it(kept, made):
    a_night(kept, made)
    facts = Facts(kept.folder)
    for name, time in (("s1", 1.0), ("s2", 3.0), ("s3", 2.0)):
        facts.add(name, BEGAN + time, "brought", place="potentiostat/0", by="hands")
    facts.add("s4", BEGAN, "brought", place="potentiostat/1", by="hands")
    rows = cells(page_of(made), "What to load next")
    places = {row[-2] if len(row) == 4 else row[-1] for row in rows}
    assert {
        "was at potentiostat/0, where s2 is now",
        "at potentiostat/0",
        "at potentiostat/1",
    } <= places
    assert sum("where s2 is now" in row[2 if len(row) == 4 else 1] for row in rows) == 2


def test_on_paper_no_cell_is_kept_on_one_line(kept, made):
    a_night(kept, made)
    on_paper = html_page(page_of(made)).partition("@media print")[2]
    assert "td.short { white-space: normal;" in on_paper


def test_a_night_that_runs_is_no_night_that_broke_off(kept, made):
    made.tell("opened", missing={}).tell("started", "flash", experiment="e")
    assert "--resume" in text_page(page_of(made))
    heart = Heart(made.folder / "run.json")
    heart.beat()
    page = page_of(made)
    assert "--resume" not in text_page(page)
    assert page.verdict == "Nothing needs you. 0 of 1 items done so far."


def test_capacity_is_held_against_the_bound_and_the_nominal(kept, made):
    _, cycle = a_night(kept, made)
    bound = 2.5e9
    uid = kept.anneal(time=BEGAN + 20.0, prediction={"model": "m", "values": {"crystalline_bound": bound}})
    other = kept.cycle(on="s3", inputs=[uid], time=BEGAN + 700.0, sample=cell("s3"))
    made.tell("run", "cycle", uid=other)
    rows = {row[1]: row for row in cells(page_of(made), "Predicted against measured") if len(row) == 9}
    assert rows[cycle[:8]][2:5] == ("", "7 uAh", "7 uAh")
    expected = bound * 7e-7 * 1.5e-5 / 3600.0 * 1e6
    assert rows[other[:8]][2] == f"{expected:.4g} uAh"
    assert rows[other[:8]][6:8] == (f"{6 / 7:.1%}", f"{6 / expected:.1%}")


def test_temperatures_say_what_was_predicted_and_that_nothing_was_measured(kept, made):
    anneal, _ = a_night(kept, made)
    rows = {row[1]: row for row in cells(page_of(made), "Predicted against measured")}
    assert rows[anneal[:8]][2:7] == ("3", "", "650 degC", "37 degC", "not measured")


def test_what_was_rehearsed_is_held_against_what_came(kept, made):
    a_night(kept, made)
    rows = {row[0]: row for row in cells(page_of(made), "Rehearsed against real")}
    assert rows["flash"][1:3] == ("1 h 00 min", "10 min")
    assert rows["flash"][5:7] == ("3", "3")
    assert "never" not in rows


def test_whatever_people_wrote_is_shown_as_text(kept, tmp_path):
    made = MadeNight(kept.folder, tmp_path, notes=NASTY)
    a_night(kept, made, label=NASTY, reason=NASTY)
    made.tell("ordered", order="add", whose=NASTY, who=NASTY, refusal=NASTY)
    Alarms(kept.folder).update([], BEGAN)
    seen = Seen(html_page(page_of(made)))
    made.close()
    assert {tag for tag, _ in seen.tags} <= {
        "html", "head", "meta", "title", "style", "body", "h1", "h2", "h3", "p", "div", "table", "thead", "tbody", "tr",
        "th", "td", "figure", "figcaption", "img",
    }  # fmt: skip
    assert not any(name.startswith("on") or name == "href" for _, found in seen.tags for name in found)
    assert seen.words.count("<script>alert(1)</script>") >= 5
    assert "\x1b" not in seen.words
    assert "\x1b" not in text_page(page_of(made))


def test_the_page_needs_nothing_from_outside_and_forbids_it(kept, made):
    a_night(kept, made)
    page = html_page(page_of(made))
    seen = Seen(page)
    (policy,) = (found["content"] for _, found in seen.tags if "http-equiv" in found)
    assert policy.startswith("default-src 'none'; img-src data:; style-src 'sha256-")
    assert "script-src" not in policy
    sources = [found["src"] for tag, found in seen.tags if tag == "img"]
    assert sources
    for source in sources:
        assert base64.b64decode(source.removeprefix("data:image/png;base64,")).startswith(b"\x89PNG")
    assert not re.search(r"https?:|//|@import|url\(", re.sub(r'src="data:[^"]*"', "", page))


def test_the_same_documents_give_the_same_page_but_for_the_time_of_making(kept, made):
    a_night(kept, made)
    first, second, later = (
        html_page(of_night(kept.folder, made.folder, now)) for now in (NOW, NOW, NOW + 3600.0)
    )
    assert first == second
    differing = [a for a, b in zip(first.splitlines(), later.splitlines(), strict=True) if a != b]
    assert len(differing) == 1
    assert "Made " in differing[0]


def test_missing_and_damaged_runs_are_told_and_the_rest_is_reported(kept, made):
    anneal, cycle = a_night(kept, made)
    made.tell("run", "cycle", uid="00000000-gone")
    (path,) = (kept.folder / "runs").glob(f"*/*/{anneal}.jnl")
    path.write_bytes(b"nonsense\n" + path.read_bytes())
    page = page_of(made)
    (troubles,) = (each.lines for each in page.sections if each.title == "Documents that could not be read")
    assert any("00000000" in line for line in troubles)
    assert any(anneal[:8] in line for line in troubles)
    assert cycle[:8] in text_page(page)


def test_a_run_whose_end_is_damaged_is_read_up_to_there(kept, made):
    _, cycle = a_night(kept, made)
    (path,) = (kept.folder / "runs").glob(f"*/*/{cycle}.jnl")
    whole = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(whole[:-1]) + whole[-1].replace(b"success", b"succeed"))
    page = page_of(made)
    assert any("1 document could not be read" in row[2] for row in cells(page, "What needs you"))
    assert "6 uAh" in text_page(page)


@pytest.mark.parametrize("damaged", ["rehearsed.json", "1.jnl", "list.toml"])
def test_a_damaged_night_is_reported_as_far_as_it_can_be_read(kept, made, damaged):
    a_night(kept, made)
    (made.folder / damaged).write_bytes(b"\xff{ nonsense\n")
    page = page_of(made)
    (troubles,) = (each.lines for each in page.sections if each.title == "Documents that could not be read")
    assert troubles
    assert html_page(page)


def test_without_a_list_runs_since_a_time_are_reported(kept):
    old, new = kept.anneal(time=BEGAN), kept.cycle(on="s2", time=BEGAN + 86400.0, sample=cell("s2"))
    page = of_time(kept.folder, "12h", DiskLimits(), BEGAN + 86400.0)
    told = text_page(page)
    assert new[:8] in told
    assert old[:8] not in told
    with pytest.raises(DataError, match="is no time"):
        of_time(kept.folder, "yesterday", DiskLimits(), BEGAN)


def test_what_cannot_be_written_is_said(kept, made, tmp_path):
    a_night(kept, made)
    page = page_of(made)
    write(page, tmp_path / "deep" / "report.html", text=False)
    assert (tmp_path / "deep" / "report.html").read_text().startswith("<!doctype html>")
    with pytest.raises(DataError, match="--output"):
        write(page, made.folder, text=False)


def test_text_has_the_same_sections_and_says_what_pictures_show(kept, made):
    a_night(kept, made)
    page = page_of(made)
    told = text_page(page)
    for section in page.sections:
        assert (section.title in told) == section.shown
    assert "(picture: What ran when" in told
