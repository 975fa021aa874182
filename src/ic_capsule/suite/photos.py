"""Stage "Photos": a photo goes through both lanes, and sessions go on side by side; with pictures and timelines."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from typing import Final

from ic_capsule.assets import BLOBS
from ic_capsule.suite.context import Caller, CheckContext
from ic_capsule.suite.sample_data import Content, content
from ic_capsule.uploads import Asset, Progress, UploadedPhoto, make_large_jpeg, upload_photo
from ic_harness.errors import HarnessError
from ic_harness.networks import Capability
from ic_harness.testing.assertions import equal
from ic_harness.testing.gate import StageLog, StageRun
from ic_harness.testing.results import Figure, Picture, Span, Timeline
from ic_harness.units import human_bytes

from .recording import Recording, spans
from .seeding import read_asset

_SCENARIO: Final = "photos"
_PHOTO: Final = 9_000_000
"""Bytes of the photo: several chunks, so that both lanes have something to do at the same time."""
_PEOPLE: Final = ("alice", "bob", "carol", "dan")
_SESSIONS: Final = 12
_CHUNKS: Final = 4
_CHUNK: Final = 256 * 1024
_LARGEST_PICTURE: Final = 300_000
"""Bytes of an image that a report may carry; a larger one is shown by the largest rendition below that."""
_LANES: Final[dict[str, str]] = {
    "Original": "Lane A · Original",
    **{name: f"Lane B · {name}" for name in BLOBS},
}
_RENDERING: Final = "Lane B · rendering"


def measure_uploads(run: StageRun, log: StageLog) -> None:
    """Store one large photo and many small blobs on the canister under judgement; add timelines and pictures."""
    canister = run.judged_canister()
    with run.network.anchored():
        context = CheckContext.of(run.target(canister, _SCENARIO))
        with log.proving("FL1", "storing a photo in two lanes", promised=False):
            _two_lanes(run, context, log)
        with log.proving("UC7", f"{_SESSIONS} sessions at once", promised=False):
            _side_by_side(run, context, log)


def _two_lanes(run: StageRun, context: CheckContext, log: StageLog) -> None:
    alice = context.caller("alice")
    with TemporaryDirectory() as folder:
        path = Path(folder) / "photo.jpg"
        path.write_bytes(make_large_jpeg(_PHOTO))
        recording = Recording()
        photo = upload_photo(
            recording.wrap(alice.backend), path, alice.capsule, on_progress=partial(_listen, recording)
        )
    run.timelines.append(Timeline(title="A photo in two lanes", spans=tuple(_lane_spans(recording, photo))))
    run.pictures += _pictures(alice, photo)
    rate = human_bytes(int(photo.bytes / photo.seconds))
    run.figures.append(Figure(name="A photo in both lanes, read back", value=f"{photo.seconds:.2f} s"))
    run.figures.append(Figure(name="Upload", value=f"{rate}/s"))
    log.note(
        f"a photo of {human_bytes(photo.bytes)} became {len(photo.assets)} assets in {photo.seconds:.2f} s, "
        "all read back equal"
    )
    _tidy(run, alice, photo, log)


def _listen(recording: Recording, progress: Progress) -> None:
    if progress.lane == "derivatives" and progress.total is None:
        recording.mark(_RENDERING)


def _lane_spans(recording: Recording, photo: UploadedPhoto) -> Iterator[Span]:
    """The spans of one photo: sessions belong to the asset whose hash they were finished with."""
    assets = {asset.sha256: _LANES.get(asset.asset_type, asset.asset_type) for asset in photo.assets}
    rows = {
        call.session: assets[call.digest.hex()]
        for call in recording.calls
        if call.session is not None and call.digest is not None and call.digest.hex() in assets
    }
    found = list(spans(recording, rows))
    began = recording.marks.get(_RENDERING)
    sent = [span.start_ns for span in found if span.row in {_LANES[name] for name in BLOBS}]
    if began is not None and sent:
        yield Span(row=_RENDERING, label="render", start_ns=began, end_ns=max(began, min(sent)))
    yield from found


def _pictures(caller: Caller, photo: UploadedPhoto) -> list[Picture]:
    images = {asset.asset_type: read_asset(caller, asset) for asset in photo.assets}
    return [_picture(asset, images) for asset in photo.assets]


def _picture(asset: Asset, images: dict[str, bytes]) -> Picture:
    data = images[asset.asset_type]
    if len(data) > _LARGEST_PICTURE:
        small = [image for image in images.values() if len(image) <= _LARGEST_PICTURE]
        data = max(small, key=len, default=data)
    return Picture(
        asset=asset.asset_type,
        mime=asset.mime_type,
        width=asset.width,
        height=asset.height,
        size=asset.bytes,
        data=data,
    )


def _tidy(run: StageRun, caller: Caller, photo: UploadedPhoto, log: StageLog) -> None:
    """Delete the photo where no snapshot restores the state."""
    if Capability.SNAPSHOT in run.network.capabilities:
        return
    try:
        caller.backend.memories_delete(photo.memory_id, delete_assets=True)
    except HarnessError as error:
        log.note(f"memory {photo.memory_id} stays on the canister: {error}")


@dataclass(frozen=True, slots=True)
class _Job:
    """One of several concurrent sessions: its caller and its content."""

    caller: Caller
    number: int
    sample: Content

    @property
    def row(self) -> str:
        return f"{self.caller.name} · {self.number // len(_PEOPLE) + 1}"


def _side_by_side(run: StageRun, context: CheckContext, log: StageLog) -> None:
    """Let several people upload at the same time; every blob must be what was sent in its session."""
    callers = [context.caller(name) for name in _PEOPLE]
    for caller in callers:
        assert caller.capsule  # made before the clock runs
    chunk = min(_CHUNK, callers[0].config.chunk_size)
    jobs = [
        _Job(callers[number % len(callers)], number, content(_CHUNKS * chunk, f"session {number}"))
        for number in range(_SESSIONS)
    ]
    recording, started = Recording(), time.perf_counter()
    # Where finish names a memory by the time (generations A and B), FL2 covers finishes in the same round.
    finishing = Lock() if callers[0].memory_at_finish else nullcontext()
    locators = context.at_once([partial(_store, recording, job, finishing) for job in jobs])
    seconds = time.perf_counter() - started
    _tell_sessions(run, recording, jobs, seconds)
    for job, locator in zip(jobs, locators, strict=True):
        equal(job.caller.read(locator), job.sample.data, f"the blob of session {job.row}")
    log.note(f"{_SESSIONS} sessions of {len(_PEOPLE)} people at once: every blob is what was sent")


def _store(recording: Recording, job: _Job, finishing: AbstractContextManager[object]) -> str:
    backend = recording.wrap(job.caller.backend)
    chunks = job.sample.chunks(job.sample.size // _CHUNKS)
    session = backend.uploads_begin(job.caller.capsule, len(chunks), job.caller.idem())
    for index, chunk in enumerate(chunks):
        backend.uploads_put_chunk(session, index, chunk)
    with finishing:
        return str(backend.uploads_finish(session, job.sample.sha256, job.sample.size).blob_id)


def _tell_sessions(run: StageRun, recording: Recording, jobs: Sequence[_Job], seconds: float) -> None:
    names = {job.sample.sha256: job.row for job in jobs}
    rows = {
        call.session: names[call.digest]
        for call in recording.calls
        if call.session is not None and call.digest is not None
    }
    run.timelines.append(Timeline(title=f"{len(jobs)} sessions at once", spans=tuple(spans(recording, rows))))
    total = sum(job.sample.size for job in jobs)
    run.figures.append(Figure(name="Sessions at once", value=str(len(jobs))))
    run.figures.append(Figure(name="Their throughput", value=f"{human_bytes(int(total / seconds))}/s"))
