"""Resident image workers: one process for many photos, replaced when it dies, and a photo that kills is at fault."""

from __future__ import annotations

import asyncio

import pytest

from ic_capsule.assets import SPECS
from ic_capsule.uploads import PhotoSource, derive, inspect, sample_photo, worker
from ic_harness.errors import ImageError, UploadError

PROGRAM = """
import json, os, signal, sys
served = 0
for line in sys.stdin:
    name = json.loads(line)["name"]
    if "bomb" in name or ("fragile" in name and served):
        os.kill(os.getpid(), signal.SIGKILL)
    if "bug" in name:
        raise SystemExit("no such module")
    if "slow" in name:
        print("working", file=sys.stderr, flush=True)
        signal.pause()
    served += 1
    header = json.dumps({"facts": {"pid": os.getpid()}, "images": {}, "peak": (1 << 40) * ("huge" in name)}).encode()
    sys.stdout.buffer.write((4 + len(header)).to_bytes(8, "big") + len(header).to_bytes(4, "big") + header)
    sys.stdout.buffer.flush()
"""


@pytest.fixture
def pool(tmp_path, monkeypatch):
    """One worker that runs the program above; its responses contain its process id."""
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    monkeypatch.setattr(worker, "_PROGRAM", program)
    made = worker.ImageWorkers(1)
    yield made
    made.close()


@pytest.fixture
def ask(pool, tmp_path):
    """Have a photo of a name looked at: the id of the process that did it."""

    def look(name):
        path = tmp_path / f"{name}.jpg"
        path.write_bytes(sample_photo())
        with PhotoSource(path) as source:
            return asyncio.run(pool.run(source, pixels=True)).facts["pid"]

    return look


def test_a_worker_stays(ask):
    """Photos of several event loops are taken by the same process."""
    assert ask("a") == ask("b")


def test_a_photo_that_kills_is_tried_once_more_and_then_at_fault(ask):
    """The error blames the photo, and the next photo is served by a new process."""
    first = ask("a")
    with pytest.raises(ImageError, match="too much memory or time"):
        ask("bomb")
    assert ask("b") != first


def test_a_photo_that_only_a_used_worker_dies_of_is_rendered(ask):
    """Alone in a new process it succeeds."""
    first = ask("a")
    assert ask("fragile") != first


def test_a_fault_of_the_program_is_no_fault_of_the_photo(ask):
    """An exit without a signal is reported with the program's last line, and not repeated."""
    with pytest.raises(UploadError, match="no such module"):
        ask("bug")
    assert ask("a")


def test_a_worker_that_used_much_memory_is_replaced(ask):
    """It finishes its photo first."""
    assert ask("huge") != ask("b")


def test_a_cancelled_photo_ends_its_worker(pool, ask, tmp_path):
    """The work on it stops at once, and the next photo is served."""

    async def main():
        (tmp_path / "slow.jpg").write_bytes(sample_photo())
        with PhotoSource(tmp_path / "slow.jpg") as source:
            task = asyncio.create_task(pool.run(source, pixels=True))
            await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(main())
    assert ask("a")


def test_the_real_worker_renders_many(tmp_path):
    """Photos one after the other, and the facts of a header alone."""
    path = tmp_path / "photo.jpg"
    path.write_bytes(sample_photo())
    with PhotoSource(path) as source:
        first, second = asyncio.run(derive(source)), asyncio.run(derive(source))
        assert first == second
        assert set(first.images) == {*SPECS}
        facts = asyncio.run(inspect(source))
    assert {name: facts[name] for name in ("width", "height")} == {
        name: first.facts[name] for name in ("width", "height")
    }


def test_a_removed_photo_is_named(tmp_path):
    """The worker opens the file by its name; when that is gone it was changed."""
    path = tmp_path / "photo.jpg"
    path.write_bytes(sample_photo())
    with PhotoSource(path) as source:
        path.unlink()
        with pytest.raises(UploadError, match="changed"):
            asyncio.run(derive(source))
