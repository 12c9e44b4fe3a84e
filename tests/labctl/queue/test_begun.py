"""What was begun is not begun twice, unless it came to its end or a person says why."""

import pytest

from devices.errors import Corrupt, InterlockError
from labctl.queue.begun import BegunWork, Work

TRAIN = Work("anneal", {"lamp": "lamp", "sample": "s1", "recipe": "flash", "again": ""})


def broken_off(kept, work, purpose="anneal"):
    """Keep a run of this work that died in the middle and return its uid."""
    journal = kept.begin("s1", plan=purpose, experiment=BegunWork(kept.folder).begin(work))
    kept.end(journal, "fail", "its process died")
    return journal.uid


def test_work_that_made_no_run_may_be_begun_again(kept):
    begun = BegunWork(kept.folder)
    assert begun.begin(TRAIN) != begun.begin(TRAIN)


def test_a_train_that_broke_off_is_refused_with_the_plan_and_the_run_to_go_on_with(kept):
    uid = broken_off(kept, TRAIN)
    with pytest.raises(InterlockError, match=f"not repeated.*finish_train with run {uid}"):
        BegunWork(kept.folder).begin(TRAIN)


def test_a_program_that_broke_off_is_to_be_taken_over(kept):
    work = Work("cycle", {"sample": "s1"})
    uid = broken_off(kept, work, "cycle")
    with pytest.raises(InterlockError, match=f"take_over with run {uid}"):
        BegunWork(kept.folder).begin(work)


def test_a_whole_anneal_before_a_cycle_that_never_began_is_not_repeated(kept):
    kept.anneal(experiment=BegunWork(kept.folder).begin(TRAIN))
    with pytest.raises(InterlockError, match="is whole"):
        BegunWork(kept.folder).begin(TRAIN)


def test_work_that_came_to_its_end_may_be_asked_for_again(kept):
    begun = BegunWork(kept.folder)
    attempt = begun.begin(TRAIN)
    kept.anneal(experiment=attempt)
    begun.finish(TRAIN, attempt)
    assert begun.begin(TRAIN) != attempt


def test_a_reason_makes_it_work_of_its_own_that_is_not_repeated_either(kept):
    broken_off(kept, TRAIN)
    on_purpose = Work(TRAIN.plan, {**TRAIN.arguments, "again": "the film was changed"})
    broken_off(kept, on_purpose)
    with pytest.raises(InterlockError, match="not repeated"):
        BegunWork(kept.folder).begin(on_purpose)


def test_other_work_is_not_held_up(kept):
    broken_off(kept, TRAIN)
    BegunWork(kept.folder).begin(Work("anneal", {**TRAIN.arguments, "sample": "s2"}))


def test_a_file_that_cannot_be_read_refuses(kept):
    begun = BegunWork(kept.folder)
    begun.begin(TRAIN)
    (path,) = (kept.folder / "queue").glob("*.json")
    path.write_text("{")
    with pytest.raises(Corrupt, match="labctl runs"):
        begun.begin(TRAIN)
