"""A report made from documents, and made again: the same documents give the same page, but for when it was made."""

from __future__ import annotations

from pathlib import Path

from devices.errors import DataError
from devices.limits import DiskLimits
from labctl import __version__
from labctl.journal.records import make_folder
from labctl.report.gathering import Gathered, gather_night, gather_since
from labctl.report.html_page import html_page
from labctl.report.parts import sections, verdict
from labctl.report.sections import Page
from labctl.report.text_page import text_page
from labctl.report.words import lasted, when
from labctl.runs.briefs import latest_label
from labctl.runs.search import moment
from labctl.whole_file import write_whole

PAGE = "report.html"


def of_night(data: Path, folder: Path, now: float) -> Page:
    """Return the report of a night; now: the label of its making [s since the epoch]. Raises DataError."""
    return page_of(gather_night(data, folder), now)


def of_time(data: Path, since: str, disk: DiskLimits, now: float) -> Page:
    """Return the report of all runs since a time as it is typed ("2d", a day). Raises DataError."""
    begin = moment(since, max(now, latest_label(data)))
    return page_of(gather_since(data, begin, since, disk), now)


def page_of(found: Gathered, now: float) -> Page:
    """Return what was gathered as a page."""
    parts = sections(found)
    sentence, calm = verdict(found)
    made = f"Made {when(now)} by labctl {__version__} from the documents in {found.data}."
    return Page(found.title, sentence, calm, _subtitle(found), made, parts)


def _subtitle(found: Gathered) -> str:
    times = [float(each["time"]) for each in found.told]
    times += [run.brief.time for run in found.runs if run.brief is not None]
    if not times:
        return "nothing ran"
    ended = max([*times, *(run.brief.ended for run in found.runs if run.brief is not None)])
    benches = {
        str(run.run.start.get("bench", {}).get("name", "")) for run in found.runs if run.run is not None
    }
    operators = {str(run.run.start.get("operator", "")) for run in found.runs if run.run is not None}
    virtual = any(
        (run.run.start.get("clock") or {}).get("kind") == "virtual" for run in found.runs if run.run
    )
    told = [
        f"{when(min(times))} to {when(ended)} ({lasted(ended - min(times))}{', virtual time' if virtual else ''})",
        *(f"bench {name}" for name in sorted(filter(None, benches))),
        *(f"operator {name}" for name in sorted(filter(None, operators))),
    ]
    return "; ".join(told)


def write(page: Page, path: Path, *, text: bool) -> None:
    """Write a page, whole or not at all. Raises DataError."""
    content = text_page(page) if text else html_page(page)
    try:
        make_folder(path.absolute().parent)
        write_whole(path, content.encode("utf-8", "backslashreplace"))
    except OSError as error:
        raise DataError(f"{path} cannot be written ({error.strerror}); name another with --output") from error
