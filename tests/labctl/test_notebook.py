"""What a notebook shows: everything with its unit, nothing that somebody wrote obeyed."""

import asyncio
from dataclasses import replace

import labctl
from labctl import Run


def test_a_session_opens_and_runs_inside_a_loop_that_runs(tmp_path, sample, recipe):
    async def cell():
        with labctl.open_session("twin", data=tmp_path, handle_signals=False) as lab:
            return lab.RE(lab.plans.anneal(lab.lamp, sample, recipe)), lab._repr_html_()

    (uid,), shown = asyncio.run(cell())
    assert "lamp" in shown
    assert "SAFE" in shown
    assert Run(uid, tmp_path).stop["exit_status"] == "success"


def test_a_run_its_rows_and_its_pictures_are_shown_with_units(lab, sample, recipe):
    (uid,) = lab.RE(lab.plans.anneal(lab.lamp, sample, recipe))
    run = Run(uid, lab.data)
    assert "6 at 850 V" in run._repr_html_()
    assert "<th>pulse_energy (J)</th>" in run.table()._repr_html_()
    assert "primary: 6 rows" in run.table()._repr_html_()
    pictures = run.plot()
    assert {"train", "depth"} <= set(pictures)
    assert pictures._repr_html_().count('src="data:image/png;base64,iVBOR') == len(pictures)
    assert all(path.exists() for path in pictures.save())
    axes = pictures["train"].axes[0]
    assert "(" in axes.get_xlabel() + axes.get_ylabel()


def test_long_tables_show_both_ends_and_are_still_dictionaries(kept):
    journal = kept.begin()
    kept.rows(journal, "primary", {"pulse": list(range(1, 101)), "exposure": [1.6e5] * 100})
    kept.end(journal)
    table = Run(journal.uid, kept.folder).table()
    assert isinstance(table, dict)
    shown = table._repr_html_()
    assert "100 rows, 80 between not shown" in shown
    assert "<td>1</td>" in shown
    assert "<td>100</td>" in shown


def test_what_somebody_wrote_is_text(kept, sample):
    evil = "<script>alert(1)</script>"
    uid = kept.anneal(notes=evil, operator=evil)
    assert "<script>" not in Run(uid, kept.folder)._repr_html_()
    assert "&lt;script&gt;" in Run(uid, kept.folder)._repr_html_()
    assert "<script>" not in replace(sample, label=evil)._repr_html_()
    assert "um" in sample._repr_html_()


def test_a_run_that_nobody_made_pictures_for_shows_what_it_measured(kept):
    journal = kept.begin(plan="stroll")
    kept.rows(journal, "primary", {"elapsed": [0.0, 1.0, 2.0], "pressure": [1.0, 2.0, 3.0]})
    kept.end(journal)
    pictures = Run(journal.uid, kept.folder).plot()
    assert list(pictures) == ["measured"]
    assert pictures["measured"].axes[0].get_ylabel().startswith("pressure")
