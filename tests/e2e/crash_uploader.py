"""The process that the crash test kills: three uploads at once, without end, each answer told as it comes.

It is given the answers of all processes before it, checks that the state still holds them, and goes on where
they stopped. A line is a JSON list: what happened, the photo's number, and what the canister answered.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ic_capsule.backend import Backend
from ic_capsule.suite.sample_data import Content, blob_asset, content, memory_metadata
from ic_harness.errors import BackendError
from ic_harness.networks import EmbeddedNetwork, embedded
from ic_harness.principal import Principal
from ic_harness.protocol import Ed25519Identity
from ic_harness.replica.store import store

LANES = 3
KEPT = 2
"""Photos that a lane keeps; older ones are deleted, so that deletions are under fire too."""

_writing = threading.Lock()


def tell(*line: Any) -> None:
    with _writing:
        os.write(1, json.dumps(line).encode() + b"\n")


def photo(number: int) -> tuple[Content, list[bytes]]:
    """The bytes of a photo and its chunks: five of up to 60 kB, other ones for every number."""
    material = content(5 * (1_000 + number * 7_919 % 59_000), number)
    return material, material.chunks(material.size // 5)


class Known:
    """What earlier processes were told, by the photo's number."""

    def __init__(self, lines: list[list[Any]]) -> None:
        self.session: dict[int, int] = {}
        self.acked: dict[int, set[int]] = {}
        self.blob: dict[int, str] = {}
        self.memory: dict[int, str] = {}
        self.deleting: set[int] = set()
        self.deleted: set[int] = set()
        for what, number, *answer in lines:
            self._take(what, number, answer)

    def _take(self, what: str, number: int, answer: list[Any]) -> None:
        if what == "put":
            self.acked.setdefault(number, set()).add(answer[0])
        elif what in {"deleting", "deleted"}:
            getattr(self, what).add(number)
        else:
            getattr(self, what)[number] = answer[0]

    def next(self, lane: int) -> int:
        """The photo that a lane works on: the one it was at, or the next."""
        return max((n for n in self.session if n % LANES == lane), default=lane)


def check(backend: Backend, known: Known) -> None:
    """Fail unless everything that was answered is true."""
    for number, session in known.session.items():
        if number not in known.blob:
            received = {
                index
                for part in backend.uploads_status(session).received
                for index in range(part.start, part.end)
            }
            missing = known.acked.get(number, set()) - received
            assert not missing, f"chunks {missing} of photo {number} are lost"
    for number, blob in known.blob.items():
        if number not in known.deleting:
            assert read(backend, blob) == photo(number)[0].data, f"photo {number} is damaged"
    for number, memory in known.memory.items():
        if number not in known.deleting:
            assert (
                backend.memories_read(memory).blob_internal_assets[0].blob_ref.locator == known.blob[number]
            )
    for number in known.deleted:
        assert gone(backend, known.blob[number]), f"photo {number} is back"


def read(backend: Backend, blob: str) -> bytes:
    return b"".join(
        backend.blob_read_chunk(blob, index) for index in range(backend.blob_get_meta(blob).chunk_count)
    )


def gone(backend: Backend, blob: str) -> bool:
    try:
        backend.blob_get_meta(blob)
    except BackendError as error:
        return error.tag == "NotFound"
    return False


class Lane:
    """One upload after the other, each in steps that are told when they are answered."""

    def __init__(self, backend: Backend, capsule: str, known: Known) -> None:
        self.backend = backend
        self.capsule = capsule
        self.known = known

    def run(self, lane: int) -> None:
        number = self.known.next(lane)
        while True:
            self.upload(number)
            self.delete(number - KEPT * LANES)
            number += LANES

    def upload(self, number: int) -> None:
        material, chunks = photo(number)
        for index in self._missing(number, len(chunks)):
            self.backend.uploads_put_chunk(self.known.session[number], index, chunks[index])
            tell("put", number, index)
        if number not in self.known.blob:
            session = self.known.session[number]
            result = self.backend.uploads_finish(session, material.sha256, material.size)
            self.known.blob[number] = result.blob_id
            tell("blob", number, result.blob_id)
        if number not in self.known.memory:
            asset = blob_asset(self.known.blob[number], material)
            self.known.memory[number] = self.backend.memories_create_with_internal_blobs(
                self.capsule, memory_metadata(), [asset], f"photo-{number}"
            )
            tell("memory", number, self.known.memory[number])

    def _missing(self, number: int, chunks: int) -> Iterator[int]:
        if number in self.known.blob:
            return
        if number not in self.known.session:
            session = self.backend.uploads_begin(self.capsule, chunks, f"photo-{number}")
            self.known.session[number] = session
            tell("session", number, session)
        status = self.backend.uploads_status(self.known.session[number])
        for part in status.missing if status.blob_id is None else []:
            yield from range(part.start, part.end)

    def delete(self, number: int) -> None:
        if number < 0 or number in self.known.deleted:
            return
        if number not in self.known.deleting:
            tell("deleting", number)
        if not gone(self.backend, self.known.blob[number]):
            self.backend.memories_delete(self.known.memory[number], delete_assets=True)
        tell("deleted", number)


def main(folder: str, canister: str, ledger: str, checkpoint_bytes: int) -> None:
    store.CHECKPOINT_BYTES = checkpoint_bytes  # type: ignore[misc]  # constant elsewhere
    known = Known([json.loads(line) for line in Path(ledger).read_text(encoding="utf-8").splitlines()])
    network: EmbeddedNetwork = embedded(Path(folder))
    agent = network.agent(Ed25519Identity.from_seed(bytes(32)))
    backend = Backend(agent, Principal.from_text(canister))
    check(backend, known)
    capsule = backend.capsules_create(None).id
    tell("checked")
    lanes = [
        threading.Thread(target=Lane(backend, capsule, known).run, args=[lane], daemon=True)
        for lane in range(LANES)
    ]
    for lane in lanes:
        lane.start()
    for lane in lanes:
        lane.join()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]))
