"""`labctl report`, `alarms` and `acknowledge`, as they are typed."""

import pytest
from typer.testing import CliRunner

from labctl.cli import app
from tests.labctl.telling.conftest import made as made


@pytest.fixture
def typed(made):
    def run(*words):
        place = ["--data", str(made.folder.parents[1])]
        result = CliRunner().invoke(app, [*words, *place])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result.stdout

    return run


def test_an_alarm_is_listed_until_it_is_acknowledged(made, typed):
    assert "no open alarms" in typed("alarms")
    made.tell("failed", "a", reason="it broke")
    listed = typed("alarms")
    assert "it broke" in listed
    number = listed.splitlines()[3].split("│")[1].strip()
    assert "it broke" in typed("acknowledge", number)
    assert "no open alarms" in typed("alarms")
    assert "it broke" in typed("alarms", "--all")


def test_a_damaged_journal_of_no_known_time_is_an_alarm_without_one(typed, made):
    journal = made.folder.parents[1] / "runs" / "2026" / "07" / "0123abcd-0000-4000-8000-000000000000.jnl"
    journal.parent.mkdir(parents=True)
    journal.write_bytes(b"no journal of ours\n")
    said = typed("alarms")
    assert "0123abcd" in said
    (row,) = [line.split("│") for line in said.splitlines() if "run 0123abcd" in line]
    assert [each.strip() for each in row[3:5]] == ["", ""]


def test_a_report_is_written_beside_its_night_or_printed(made, typed, tmp_path):
    made.tell("done", "a")
    assert str(made.folder / "report.html") in typed("report")
    page = (made.folder / "report.html").read_text()
    assert "Nothing needs you" not in page
    assert "it did not come to its end" in page
    assert "What ran" in typed("report", made.folder.name, "--text")
    typed("report", "--since", "2d", "--output", str(tmp_path / "out.html"))
    assert "Runs since 2d" in (tmp_path / "out.html").read_text()
