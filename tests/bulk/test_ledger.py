"""The ledger: adding, leases, results, retries, a second coordinator, readers beside a run."""

from __future__ import annotations

from contextlib import suppress

import pytest

from ic_capsule.bulk import (
    URGENT,
    FailureClass,
    Ledger,
    LedgerView,
    NewFile,
    Stage,
    State,
    progress_of,
)
from ic_harness.errors import InputError, StateError

from .test_pure import Clock


@pytest.fixture
def clock():
    """A clock that moves when it is told to."""
    return Clock()


@pytest.fixture
def ledger(tmp_path, clock):
    """An empty ledger on disk."""
    with Ledger.open(tmp_path / "bulk.sqlite", create=True, clock=clock) as opened:
        yield opened


def file(number, *, content=None, kind="image", **fields):
    """A file to add."""
    digest = None if content is False else (content or number).to_bytes(32, "big")
    return NewFile(
        path=b"/photos/%d.jpg" % number,
        name=f"{number}.jpg",
        size=1000 + number,
        mtime_ns=1,
        sha256=digest,
        kind=kind,
        mime="image/jpeg",
        **fields,
    )


def states(ledger, file_id):
    """The states of a file's three stages."""
    found = ledger.file(file_id).states
    return [found[stage] for stage in Stage]


# -- adding -----------------------------------------------------------------------------------------------------


def test_a_new_file_waits_for_its_upload(ledger):
    """Only the first stage is ready."""
    assert ledger.add([file(1)]) == (1, 0)
    assert states(ledger, 1) == [State.READY, State.BLOCKED, State.BLOCKED]


def test_adding_again_changes_nothing(ledger):
    """A file that is known and unchanged stays as it is, even when it is done."""
    ledger.add([file(1)])
    (lease,) = ledger.lease(Stage.UPLOAD, 1)
    ledger.done(lease.file.id, Stage.UPLOAD)
    assert ledger.add([file(1)]) == (0, 0)
    assert states(ledger, 1)[0] is State.DONE


def test_changed_bytes_start_anew(ledger):
    """Other content under the same path is another upload."""
    ledger.add([file(1)])
    ledger.lease(Stage.UPLOAD, 1)
    ledger.done(1, Stage.UPLOAD)
    assert ledger.add([file(1, content=77)]) == (1, 0)
    assert states(ledger, 1) == [State.READY, State.BLOCKED, State.BLOCKED]


def test_equal_content_is_uploaded_once(ledger):
    """A duplicate is listed, skipped, and gets the memory of the first one."""
    assert ledger.add([file(1, content=9), file(2, content=9)]) == (2, 1)
    assert [lease.file.id for lease in ledger.lease(Stage.UPLOAD, 9)] == [1]
    ledger.set_memory(1, "memory")
    assert ledger.file(2).memory_id == "memory"
    assert ledger.stats().duplicates == 1


def test_a_duplicate_inherits_when_the_first_file_changes(ledger):
    """The memory of the old content goes to the file that still has it; the changed one starts anew."""
    ledger.add([file(1, content=9), file(2, content=9)])
    ledger.lease(Stage.UPLOAD, 1)
    ledger.set_memory(1, "memory")
    ledger.done(1, Stage.UPLOAD)
    ledger.add([file(1, content=10)])
    assert ledger.file(2).duplicate_of is None
    assert (states(ledger, 2)[0], ledger.file(2).memory_id) == (State.DONE, "memory")
    assert (states(ledger, 1)[0], ledger.file(1).memory_id) == (State.READY, None)


def test_what_can_never_be_stored_is_a_dead_letter_at_once(ledger):
    """With the class `invalid` and its reason."""
    ledger.add([file(1, content=False, problem="is empty")])
    (letter,) = ledger.dead_letters()
    assert (letter.stage, letter.cls, letter.error) == (Stage.UPLOAD, FailureClass.INVALID, "is empty")


def test_files_that_are_no_images_have_one_stage(ledger):
    """A video is uploaded and not processed."""
    ledger.add([file(1, kind="video")])
    assert states(ledger, 1) == [State.READY, State.SKIPPED, State.SKIPPED]


# -- leases and results -----------------------------------------------------------------------------------------


def test_what_is_leased_is_taken(ledger):
    """A file is given out once."""
    ledger.add([file(n) for n in range(1, 6)])
    first = ledger.lease(Stage.UPLOAD, 3)
    second = ledger.lease(Stage.UPLOAD, 3)
    assert [lease.file.id for lease in [*first, *second]] == [1, 2, 3, 4, 5]
    assert ledger.lease(Stage.UPLOAD, 3) == []


def test_urgent_files_are_first(ledger):
    """Priority comes before order."""
    ledger.add([file(1), file(2)])
    ledger.add([file(3)], priority=URGENT)
    (lease,) = ledger.lease(Stage.UPLOAD, 1)
    assert (lease.file.id, lease.max_attempts) == (3, 10)


def test_a_stage_that_is_done_makes_the_next_one_ready(ledger):
    """Upload, then process, then embed."""
    ledger.add([file(1)])
    for stage in Stage:
        (lease,) = ledger.lease(stage, 1)
        ledger.done(lease.file.id, stage)
    assert states(ledger, 1) == [State.DONE] * 3
    assert ledger.stats().finished


def test_a_dead_process_leaves_the_upload_done(ledger):
    """A photo that cannot be processed stays uploaded; embedding is never begun."""
    ledger.add([file(1)])
    ledger.lease(Stage.UPLOAD, 1)
    ledger.done(1, Stage.UPLOAD)
    (lease,) = ledger.lease(Stage.PROCESS, 1)
    ledger.dead(lease, FailureClass.INVALID, "cannot be decoded")
    assert states(ledger, 1) == [State.DONE, State.DEAD, State.BLOCKED]
    assert progress_of(ledger.file(1)) == "failed"


def test_a_failed_try_waits(ledger, clock):
    """It is given out again when its time has come, and knows how many tries failed."""
    ledger.add([file(1)])
    (lease,) = ledger.lease(Stage.UPLOAD, 1)
    ledger.wait(lease, FailureClass.NETWORK, "gone", delay_s=5)
    assert ledger.lease(Stage.UPLOAD, 1) == []
    assert ledger.next_due([Stage.UPLOAD]) == clock.now + 5
    clock.now += 5
    (again,) = ledger.lease(Stage.UPLOAD, 1)
    assert again.attempts == 1


def test_a_rate_limit_does_not_count(ledger, clock):
    """A try that spends none leaves the number of tries as it was."""
    ledger.add([file(1)])
    (lease,) = ledger.lease(Stage.UPLOAD, 1)
    ledger.wait(lease, FailureClass.RATE_LIMIT, "429", delay_s=1, counts=False)
    clock.now += 1
    assert ledger.lease(Stage.UPLOAD, 1)[0].attempts == 0


def test_results_of_a_lease_that_was_lost_change_nothing(ledger):
    """What is done stays done, whatever a worker that was thought lost reports later."""
    ledger.add([file(1)])
    (lease,) = ledger.lease(Stage.UPLOAD, 1)
    ledger.done(1, Stage.UPLOAD)
    ledger.dead(lease, FailureClass.SERVER, "late")
    ledger.give_back(1, Stage.UPLOAD)
    assert states(ledger, 1)[0] is State.DONE
    assert ledger.dead_letters() == []


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        ({"files": [1]}, {1}),
        ({"cls": FailureClass.SERVER}, {1, 2}),
        ({}, {1, 2, 3}),
        ({"stage": Stage.EMBED}, set()),
    ],
)
def test_dead_letters_are_retried(ledger, chosen, expected):
    """One by one, by class, by stage, or all; they are urgent then and have all their tries again."""
    ledger.add([file(n) for n in (1, 2, 3)])
    classes = [FailureClass.SERVER, FailureClass.SERVER, FailureClass.INVALID]
    for lease, cls in zip(ledger.lease(Stage.UPLOAD, 3), classes, strict=True):
        ledger.dead(lease, cls, "no")
    assert ledger.retry(**chosen) == len(expected)
    leases = ledger.lease(Stage.UPLOAD, 9)
    assert {lease.file.id for lease in leases} == expected
    assert all((lease.priority, lease.attempts, lease.max_attempts) == (URGENT, 0, 10) for lease in leases)


# -- processes --------------------------------------------------------------------------------------------------


def test_a_second_coordinator_is_refused(ledger, tmp_path):
    """Two runs on one ledger would upload the same files; the second one says what to do."""
    ledger.coordinate()
    with Ledger.open(tmp_path / "bulk.sqlite") as second, pytest.raises(StateError, match="another process"):
        second.coordinate()
    ledger.close()
    with Ledger.open(tmp_path / "bulk.sqlite") as third:
        third.coordinate()


def test_leases_of_a_killed_run_are_ready_again(ledger, tmp_path):
    """The next coordinator takes everything back, and no try is spent."""
    ledger.add([file(1)])
    ledger.lease(Stage.UPLOAD, 1)
    with Ledger.open(tmp_path / "bulk.sqlite") as other:
        other.coordinate()
        assert [lease.attempts for lease in other.lease(Stage.UPLOAD, 1)] == [0]


def test_a_reader_sees_what_a_writer_commits(ledger, tmp_path):
    """At once, without locking it out, and it cannot write."""
    with LedgerView.open(tmp_path / "bulk.sqlite") as view:
        before, seen = view.changes(), view.last_event()
        ledger.add([file(1)])
        assert view.changes() != before
        assert [event.type for event in view.events(seen)] == ["added"]
        with pytest.raises(StateError, match="readonly"):
            view._db.run("DELETE FROM file")


def test_events_are_pruned_and_never_renumbered(ledger):
    """Only the newest are kept; a reader sees by `first_event` that it is behind."""
    for _ in range(10_600):
        ledger.event("tick")
    assert ledger.last_event() == 10_600
    assert 0 < ledger.first_event() <= 600
    assert len(ledger.events(10_000)) == 600


def test_a_ledger_belongs_to_one_backend(ledger):
    """Another canister is refused by name; the same one is not."""
    ledger.set_target(canister="aaa", capsule="c")
    ledger.set_target(canister="aaa", capsule="c")
    with pytest.raises(InputError, match="canister aaa"):
        ledger.set_target(canister="bbb")


def test_what_is_no_ledger_is_refused(tmp_path):
    """Another file, or none, is named, and not changed."""
    path = tmp_path / "other.sqlite"
    path.write_bytes(b"no database at all, but long enough to look at" * 100)
    with pytest.raises(StateError, match=r"other\.sqlite"):
        Ledger.open(path)
    with pytest.raises(InputError, match="no ledger"):
        LedgerView.open(tmp_path / "missing.sqlite")
    assert path.read_bytes().startswith(b"no database")


def test_a_later_version_is_refused(ledger, tmp_path):
    """A ledger of a newer program is not touched."""
    ledger.run("PRAGMA user_version=99")
    with pytest.raises(StateError, match="version 99"):
        Ledger.open(tmp_path / "bulk.sqlite")


def test_an_interrupted_transaction_leaves_nothing(ledger):
    """Everything in a block, or nothing."""
    with suppress(RuntimeError), ledger.transaction():
        ledger.add([file(1)])
        raise RuntimeError("stop")
    assert ledger.stats().total == 0


def test_a_full_disk_is_an_honest_sentence(ledger):
    """The error says which file and what to do; what was committed is there, and the ledger goes on afterwards."""
    ledger.add([file(1)])
    pages = ledger.rows("PRAGMA page_count")[0][0]
    ledger.rows(f"PRAGMA max_page_count={pages}")
    with pytest.raises(StateError, match=r"bulk\.sqlite.*full.*make room"):
        ledger.add([file(n) for n in range(2, 2000)])
    ledger.rows("PRAGMA max_page_count=1000000")
    assert ledger.stats().total == 1
    assert ledger.add([file(2)]) == (1, 0)
