"""Reports as a gate would fill them: one that passes, one refused, one that could not run, one by an enemy."""

from __future__ import annotations

import dataclasses
import io
import random
from datetime import date
from itertools import product
from typing import Any

from PIL import Image, ImageDraw, ImageFilter

from ic_capsule.suite.guarantees import GUARANTEES
from ic_harness.testing.call_log import CallRecord
from ic_harness.testing.guarantees import Severity
from ic_harness.testing.results import (
    Acceptance,
    CallSequence,
    CheckResult,
    Figure,
    MethodCost,
    Outcome,
    Picture,
    Report,
    SequenceArrow,
    Span,
    StageResult,
    Subject,
    Timeline,
    Verdict,
    Violation,
)

MS = 1_000_000
ENEMY = (
    '<script>fetch("https://evil.example/")</script><img src=x onerror=alert(1)> ]]> "\'&amp; | `*_~ [a](b) '
    "::error::x%0A \x1b[31m\x00\x07\ud800 \u202egnp.exe ${{ x }} {{ y }} @octocat #1 :tada: www.evil.example"
)
"""What a canister might print to get through one of the formats."""


def checks(changed: dict[str, CheckResult] | None = None) -> tuple[CheckResult, ...]:
    """One passed check for every guarantee, but for those that `changed` replaces."""
    swapped = changed or {}
    passed = (
        CheckResult(guarantee=guarantee, check=f"{id_}-holds", outcome=Outcome.PASSED, seconds=0.012)
        for id_, guarantee in GUARANTEES.items()
    )
    return tuple(swapped.get(check.guarantee.id, check) for check in passed)


def failed(id_: str, name: str, message: str, story: list[CallRecord], **more: Any) -> CheckResult:
    """A check that found its guarantee broken."""
    fields: dict[str, Any] = {"outcome": Outcome.FAILED, "seconds": 0.048, "logs": (), **more}
    return CheckResult(
        guarantee=GUARANTEES[id_], check=f"{id_}-{name}", message=message, story=tuple(story), **fields
    )


def _stolen_upload() -> CheckResult:
    story = [
        CallRecord(
            "alice", "capsules_create", "None", "CapsuleCreationResult(id='capsule_1719', created=True)"
        ),
        CallRecord("alice", "uploads_begin", "'capsule_1719', AssetMetadata.Image(…), 3, 'alice-1'", "1"),
        CallRecord("alice", "uploads_put_chunk", "1, 0, 1800000 bytes 5f1c22d0…", "None"),
        CallRecord("mallory", "uploads_put_chunk", "1, 1, 1800000 bytes 00000000…", "Unauthorized"),
        CallRecord("alice", "uploads_put_chunk", "1, 1, 1800000 bytes 91ab07ee…", "None"),
        CallRecord("alice", "uploads_put_chunk", "1, 2, 4096 bytes d1047c31…", "None"),
        CallRecord(
            "alice", "uploads_finish", "1, 32 bytes 0a7b55e1…, 3604096", "InvalidArgument: checksum_mismatch"
        ),
    ]
    message = (
        "the owner's finish with the true hash was refused: InvalidArgument: checksum_mismatch\n"
        "Another caller's chunk changed the hash of your session: it was refused, but it was hashed before the owner "
        "was checked. Anybody who guesses a session number can spoil every upload of every user."
    )
    logs = (
        "[uploads] session 1: chunk 0 received, 1800000 bytes",
        "[uploads] session 1: chunk 1: caller is not the owner",
        "[uploads] session 1: finish: expected 0a7b55e1, have c2909d13",
    )
    what, _, meaning = message.partition("\n")
    violations = (
        Violation(what=what, meaning=meaning, severity=Severity.CRITICAL, call=7),
        Violation(
            what="a stranger's chunk made the canister trap: Panicked at 'owner'",
            meaning="A refusal must be an Err, never a trap: clients cannot tell a trap from a crash.",
            severity=Severity.MEDIUM,
            trace="Canister Backtrace:\ncapsule::uploads::put_chunk\ncapsule::main",
            call=4,
        ),
    )
    numbered = [dataclasses.replace(step, number=number) for number, step in enumerate(story, 1)]
    return failed(
        "UC6",
        "stranger_cannot_spoil_a_session",
        message,
        numbered,
        logs=logs,
        seconds=0.231,
        violations=violations,
        unfinished="uploads_finish: NotFound",
        reproduction="from ic_capsule.suite.reproduction import scene\n\n"
        "with scene('backend.wasm.gz') as stage:\n    alice = stage.client('alice')\n",
    )


def _open_blob() -> CheckResult:
    story = [
        CallRecord("alice", "upload", "holiday.jpg", "blob_7"),
        CallRecord("bob", "blob_get_meta", "'blob_7'", "BlobMeta(size=3604096, chunk_count=3)"),
        CallRecord("bob", "blob_read_chunk", "'blob_7', 0", "1800000 bytes ffd8ffe0…"),
    ]
    message = (
        "a stranger's blob_read_chunk was accepted, expected Unauthorized or NotFound\n"
        "Anybody who counts upwards from blob_1 downloads every photo of every user."
    )
    return failed("BL4", "strangers_cannot_read", message, story)


def _lost_session() -> CheckResult:
    story = [
        CallRecord("alice", "uploads_begin", "'capsule_22', AssetMetadata.Image(…), 2, 'alice-4'", "9"),
        CallRecord("alice", "uploads_put_chunk", "9, 0, 1800000 bytes 5f1c22d0…", "None"),
        CallRecord("the network", "upgrade", "backend.wasm", "done"),
        CallRecord("alice", "uploads_put_chunk", "9, 1, 77 bytes 1f8b0800…", "NotFound"),
    ]
    message = (
        "the second chunk after the upgrade was refused: NotFound\nEvery upload during a deploy is lost."
    )
    return failed("UC9", "session_survives_an_upgrade", message, story)


def _listing() -> CheckResult:
    message = (
        "memories_list of 120 memories gave 100 and no cursor\nThe oldest memories can no longer be found."
    )
    return failed(
        "MR2",
        "listing_is_complete",
        message,
        [CallRecord("alice", "memories_list", "'capsule_22'", "100 items")],
    )


def _accepted() -> CheckResult:
    message = "a hash of 33 bytes made the canister trap: Panicked at 'hash'\nA refusal must be an Err, never a trap."
    acceptance = Acceptance(
        id="UF4", reason="clients check the length; repaired in 1.4", expires=date(2027, 1, 31)
    )
    story = [
        CallRecord("alice", "uploads_finish", "3, 33 bytes 00112233…, 10", "trapped: Panicked at 'hash'")
    ]
    return failed(
        "UF4", "hash_of_wrong_length", message, story, outcome=Outcome.ACCEPTED, acceptance=acceptance
    )


def _broken_check() -> CheckResult:
    trace = (
        "the check itself could not run:\nTraceback (most recent call last):\n"
        '  File "checks/http.py", line 31, in asset_is_served\n    status = reply.status\n'
        "AttributeError: 'NoneType' object has no attribute 'status'"
    )
    return failed("HT2", "asset_is_served", trace, [], outcome=Outcome.ERROR)


def _quiet(id_: str, outcome: Outcome, reason: str) -> CheckResult:
    return CheckResult(guarantee=GUARANTEES[id_], check=f"{id_}-holds", outcome=outcome, message=reason)


def refused() -> Report:
    """A gate that refused a canister: four broken guarantees, an accepted one, some that could not be asked."""
    found = [
        _stolen_upload(), _open_blob(), _lost_session(), _listing(), _accepted(), _broken_check(),
        _quiet("UB8", Outcome.SKIPPED, "this network cannot move its clock"),
        _quiet("HT1", Outcome.NOT_APPLICABLE, "the canister has no method http_request"),
        _quiet("HT3", Outcome.NOT_APPLICABLE, "the canister has no method http_request"),
    ]  # fmt: skip
    return Report(
        suite="capsule",
        catalogue=tuple(GUARANTEES.values()),
        subject=_subject(),
        verdict=Verdict.REFUSED,
        refusals=(
            "UC6 (critical): the owner's finish with the true hash was refused: InvalidArgument: checksum_mismatch",
            "BL4 (critical): a stranger's blob_read_chunk was accepted, expected Unauthorized or NotFound",
            "Budgets: uploads_finish costs 31 % more instructions than its budget allows.",
        ),
        stages=_stages(),
        checks=checks({check.guarantee.id: check for check in found}),
        costs=COSTS,
        timelines=(lanes(), sessions(60)),
        pictures=photos(),
        figures=(Figure(name="Sessions at once", value="500"), Figure(name="Callers", value="20")),
        seconds=74.2,
    )


def passing() -> Report:
    """A gate that lets a canister through: every guarantee holds."""
    return Report(
        suite="capsule",
        catalogue=tuple(GUARANTEES.values()),
        subject=_subject(),
        verdict=Verdict.PASS,
        stages=tuple(
            StageResult(
                name=stage.name, outcome=Outcome.PASSED, findings=stage.findings[:1], seconds=stage.seconds
            )
            for stage in _stages()
        ),
        checks=checks(),
        costs=tuple(cost for cost in COSTS if cost.method != "uploads_finish"),
        timelines=(lanes(failing=False), sessions(500)),
        pictures=photos(),
        figures=(Figure(name="Sessions at once", value="500"), Figure(name="Callers", value="20")),
        seconds=61.9,
    )


def could_not_run() -> Report:
    """A gate that found no canister to judge."""
    return Report(
        suite="capsule",
        catalogue=tuple(GUARANTEES.values()),
        subject=Subject(
            canister="missing.wasm", network="embedded", generation="", started="2026-11-21T10:00:00Z"
        ),
        verdict=Verdict.COULD_NOT_RUN,
        refusals=("missing.wasm: no such file. Build it first, or name another with --wasm.",),
    )


def hostile(text: str = ENEMY) -> Report:
    """A report in which every text is an enemy's."""
    step = CallRecord(text, text, text, text)
    acceptance = Acceptance(id=text, reason=text, expires=None)
    violations = (Violation(what=text, meaning=text, severity=Severity.HIGH, trace=text, call=1),)
    found = {
        id_: failed(
            id_, text, f"{text}\n{text}", [step, step], logs=(text, text), outcome=outcome, acceptance=whose,
            unfinished=f"{text}\n{text}", reproduction=text, violations=violations if whose else (),
        )
        for id_, outcome, whose in [
            ("UC6", Outcome.FAILED, None), ("UF4", Outcome.ACCEPTED, acceptance), ("HT2", Outcome.ERROR, None),
            ("UB8", Outcome.SKIPPED, None),
        ]
    }  # fmt: skip
    return Report(
        suite="capsule",
        catalogue=tuple(GUARANTEES.values()),
        subject=Subject(
            canister=text,
            network=text,
            generation=text,
            started=text,
            wasm_sha256=text,
            wasm_size=1,
            baseline=text,
        ),
        verdict=Verdict.REFUSED,
        refusals=(text,),
        stages=(StageResult(name=text, outcome=Outcome.FAILED, findings=(text,)),),
        checks=checks(found),
        costs=(MethodCost(method=text, calls=1, median=9, dearest=9, cycles=1, baseline=1, budget=1),),
        timelines=(
            Timeline(title=text, spans=(Span(row=text, label=text, start_ns=0, end_ns=5, amount=1),)),
        ),
        pictures=(
            Picture(asset=text, mime=text, width=1, height=1, size=1, data=b"<svg onload=alert(1)>"),
            Picture(
                asset=text, mime="image/png", width=1, height=1, size=1, data=text.encode("utf-8", "replace")
            ),
        ),
        figures=(Figure(name=text, value=text),),
        sequences=(hostile_sequence(text),),
    )


def hostile_sequence(text: str) -> CallSequence:
    """A sequence whose every text is hostile, with a kind that there is not."""
    arrows = [
        SequenceArrow(number=number, source=text, target=target, kind=kind, label=text, detail=text)
        for number, (target, kind) in enumerate(
            product((text, f"{text}2"), ("call", "reject", "task", "trap", text))
        )
    ]
    return CallSequence(title=text, participants=(text, f"{text}2"), arrows=tuple(arrows), left_out=1)


def many() -> Report:
    """A canister of which nearly everything is broken."""
    found = {
        id_: failed(id_, "broke", f"{id_} broke in a way that takes a line to tell, with ids and numbers\nIt hurts.",
                    [CallRecord("alice", "call", "1", "Ok", number) for number in range(1, 30)])
        for id_ in list(GUARANTEES)[:45]
    }  # fmt: skip
    return dataclasses.replace(refused(), checks=checks(found), refusals=())


def _subject() -> Subject:
    return Subject(
        canister="backend.wasm.gz",
        network="embedded",
        generation="C",
        started="2026-11-21T10:02:59Z",
        wasm_sha256="6a1f0f2b9c4e77d2a1b38a5f5d0f3f8a2f9b1f4c2f7a9f10b8f1c4adf8b0e9d4",
        wasm_size=743_211,
        baseline="capsule-backend 1.3.0 (ic:rwlgt-iiaaa-aaaaa-aaaaa-cai)",
    )


def _stages() -> tuple[StageResult, ...]:
    rows = [
        ("Wasm", Outcome.PASSED, ["Valid, 743 kB of 2 MB, 38 imports, all of the system interface."], 0.21),
        ("Interface", Outcome.PASSED, ["The 41 exported methods are those of backend.did."], 0.04),
        ("Compatibility", Outcome.PASSED, ["The interface is a subtype of the baseline's."], 0.03),
        (
            "Upgrade rehearsal",
            Outcome.FAILED,
            [
                "12 photos survived the upgrade, byte for byte.",
                "The upload half way did not: uploads_put_chunk answered NotFound.",
                "Backed out by snapshot: the old build read all 12 photos again.",
            ],
            3.8,
        ),
        (
            "Conformance",
            Outcome.FAILED,
            [f"{len(GUARANTEES) - 9} of {len(GUARANTEES)} guarantees hold, 4 broke, 1 is accepted."],
            66.4,
        ),
        ("Budgets", Outcome.FAILED, ["uploads_finish: 131 % of its budget."], 3.1),
    ]
    return tuple(
        StageResult(name=name, outcome=outcome, findings=tuple(model), seconds=seconds)
        for name, outcome, model, seconds in rows
    )


COSTS = (
    MethodCost(method="uploads_begin", calls=412, median=182_331, dearest=240_118, cycles=2_911_004_211,
               baseline=180_020, budget=198_022),
    MethodCost(method="uploads_put_chunk", calls=6_310, median=41_882_903, dearest=44_019_337,
               cycles=392_118_442_901, baseline=43_010_551, budget=47_311_606),
    MethodCost(method="uploads_finish", calls=404, median=1_441_022, dearest=3_802_115, cycles=8_119_004_312,
               baseline=1_000_002, budget=1_100_002),
    MethodCost(method="memories_create_with_internal_blobs", calls=88, median=611_204, dearest=702_551,
               cycles=912_004_120, baseline=640_118, budget=704_129),
    MethodCost(method="blob_read_chunk", calls=1_204, median=9_114_220, dearest=9_330_102, cycles=0, baseline=9_114_220,
               budget=10_025_642),
    MethodCost(method="sessions_stats", calls=31, median=88_120, dearest=91_002, cycles=0),
)  # fmt: skip


def lanes(*, failing: bool = True) -> Timeline:
    """The two lanes of one photo: twelve chunks by fours, derivatives beside them."""
    chunks = [
        Span(row="Lane A", label=f"chunk {i}", start_ns=(40 + 38 * (i // 4) + 3 * (i % 4)) * MS,
             end_ns=(74 + 38 * (i // 4) + 4 * (i % 4)) * MS, amount=1_800_000, failed=failing and i == 9)
        for i in range(12)
    ]  # fmt: skip
    retry = [Span(row="Lane A", label="chunk 9", start_ns=162 * MS, end_ns=196 * MS, amount=1_800_000)]
    other = [
        Span(row="Lane A", label="begin", start_ns=0, end_ns=36 * MS),
        Span(row="Lane A", label="finish", start_ns=200 * MS, end_ns=231 * MS),
        Span(row="Lane B", label="decode and scale", start_ns=2 * MS, end_ns=128 * MS),
        Span(row="Lane B", label="display", start_ns=130 * MS, end_ns=182 * MS, amount=612_004),
        Span(row="Lane B", label="thumbnail", start_ns=134 * MS, end_ns=161 * MS, amount=24_119),
        Span(row="Memory", label="create", start_ns=233 * MS, end_ns=262 * MS),
        Span(row="Read back", label="compare", start_ns=264 * MS, end_ns=341 * MS, amount=21_000_000),
    ]
    return Timeline(title="One photo in two lanes", spans=(*chunks, *(retry if failing else []), *other))


def sessions(number: int, seed: int = 7) -> Timeline:
    """Sessions of twenty callers in parallel, each of a few chunks, at random but always the same."""
    dice = random.Random(seed)
    spans = []
    for session in range(number):
        now = dice.randrange(0, 9_000) * MS
        for chunk in range(dice.randrange(3, 7)):
            end = now + dice.randrange(60, 400) * MS
            spans.append(
                Span(row=f"caller {session % 20 + 1}, session {session + 1}", label=f"chunk {chunk}", start_ns=now,
                     end_ns=end, amount=dice.randrange(40_000, 1_800_000), failed=dice.random() < 0.004)
            )  # fmt: skip
            now = end + dice.randrange(5, 300) * MS
    return Timeline(title=f"{number} sessions of 20 callers", spans=tuple(spans))


def photos() -> tuple[Picture, ...]:
    """A landscape in the four assets, drawn here."""
    sizes = [("original", "image/jpeg", 6000, 4000, 21_004_118), ("display", "image/webp", 2048, 1365, 612_004),
             ("thumbnail", "image/webp", 400, 267, 24_119), ("placeholder", "image/webp", 32, 21, 198)]  # fmt: skip
    return tuple(
        Picture(asset=asset, mime=mime, width=w, height=h, size=size, data=_landscape(min(w, 480), mime))
        for asset, mime, w, h, size in sizes
    )


def _landscape(width: int, mime: str) -> bytes:
    picture = Image.new("RGB", (480, 320))
    draw = ImageDraw.Draw(picture)
    for y in range(320):
        draw.line([(0, y), (480, y)], fill=(240 - y // 3, 190 - y // 4, 150 + y // 5))
    draw.ellipse([330, 50, 390, 110], fill=(255, 236, 190))
    for base, colour in [(150, (122, 130, 168)), (200, (84, 96, 140)), (250, (48, 60, 96))]:
        ridge = [
            (x, base + 40 * ((x * 7 + base) % 120) / 120 - 30 * ((x // 60) % 2)) for x in range(0, 481, 20)
        ]
        draw.polygon([(0, 320), *ridge, (480, 320)], fill=colour)
    picture = picture.filter(ImageFilter.GaussianBlur(1)).resize((width, width * 2 // 3))
    out = io.BytesIO()
    picture.save(out, mime.partition("/")[2], quality=82)
    return out.getvalue()
