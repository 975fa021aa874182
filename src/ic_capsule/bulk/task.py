"""A handful of files as a task for another process or machine: plain data out, plain data back.

The worker opens network and identity by name from its own configuration; no key travels. It runs the same lanes as a
local run, on a ledger in memory, one try for each file; what became of them goes back to the coordinator, which alone
writes the run's ledger. A task may be executed twice (its worker was lost): keys that follow from the content make
the second execution find what the first one left.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from ic_harness.agent import AsyncAgent
from ic_harness.errors import InputError
from ic_harness.networks import open_network
from ic_harness.principal import Principal
from ic_harness.protocol import Identity, find_identity, load_pem

from .classify import Failure
from .coordinator import Coordinator, note
from .governor import Limits
from .ledger import Ledger
from .options import Options
from .records import FileRow, Lease, NewFile
from .states import MAX_ATTEMPTS, FailureClass, Stage, State
from .target import open_target

_THREADS: Final = 64
Plain = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Network and identity by their names (or PEM path), and the state folder with the key where none is named."""

    network: str
    identity: str | None
    state_dir: str

    def __post_init__(self) -> None:
        if self.network == "embedded":
            raise InputError("other processes cannot reach the embedded network: serve it by `replica start`")
        if self.identity is not None and "PRIVATE KEY-----" in self.identity:
            raise InputError(
                "a key does not travel to workers: name an identity that they have, by --identity"
            )

    def own(self) -> Place:
        """The place as this process's environment has it, where it says something."""
        return Place(
            network=os.environ.get("IC_HARNESS_NETWORK", self.network),
            identity=os.environ.get("IC_HARNESS_IDENTITY", self.identity or "") or None,
            state_dir=os.environ.get("IC_HARNESS_STATE_DIR", self.state_dir),
        )

    def caller(self) -> Identity:
        """The identity. Raises `IdentityError`."""
        if self.identity is None:
            return load_pem(Path(self.state_dir) / "identity.pem")
        return find_identity(self.identity, os.environ, os.environ.get("IC_HARNESS_PASSPHRASE"))


def pack_task(
    place: Place, target: Mapping[str, str], leases: list[Lease], limits: Limits, *, until: Stage, whole: bool
) -> Plain:
    """A task of leased files, all of one stage, as plain data."""
    return {
        "place": asdict(place),
        "target": dict(target),
        "stage": str(leases[0].stage),
        "until": str(until),
        "whole": whole,
        "limits": asdict(limits),
        "files": [_packed(lease.file) for lease in leases],
    }


def _packed(file: FileRow) -> Plain:
    fields = (
        "id",
        "path",
        "name",
        "size",
        "mtime_ns",
        "sha256",
        "kind",
        "mime",
        "tags",
        "memory_id",
        "facts",
    )
    return {field: getattr(file, field) for field in fields}


def run_task(task: Plain) -> list[Plain]:
    """Run a task in this process; returns an outcome for each file. Raises what opening network or backend raises."""
    return asyncio.run(_run(task))


async def _run(task: Plain) -> list[Plain]:
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(_THREADS))
    place = Place(**task["place"]).own()
    identity, target = place.caller(), task["target"]
    with open_network(place.network, Path(place.state_dir), deployer=identity) as network:
        ledger, ids = _ledger_of(task)
        agent: AsyncAgent = network.async_agent(identity)
        if str(agent.principal) != target["principal"]:
            raise InputError(f"this worker calls as {agent.principal}, the run as {target['principal']}")
        options = Options(
            until=Stage(task["until"]), once=True, whole=task["whole"], limits=Limits(**task["limits"])
        )
        with ledger:
            async with open_target(
                ledger,
                agent,
                Principal.from_text(target["canister"]),
                network=network.name,
                limits=options.limits,
                told=lambda _kind, _data: None,
                capsule=target["capsule"],
                fresh=False,
            ) as opened:
                await Coordinator(ledger, opened, options).run()
            return [_outcome(ledger, ledger.file(local), remote) for local, remote in ids.items()]


def _ledger_of(task: Plain) -> tuple[Ledger, dict[int, int]]:
    """A ledger in memory with the files of a task, and the ids of the run's ledger by its own."""
    ledger, ids = Ledger.in_memory(), dict[int, int]()
    for packed in task["files"]:
        fields = {**packed, "tags": tuple(packed["tags"])}
        remote, memory_id, facts = fields.pop("id"), fields.pop("memory_id"), fields.pop("facts")
        ledger.add([NewFile(**fields)])
        file = ledger.file_at(fields["path"])
        assert file is not None, "bug: a file that was added is there"
        ids[file.id] = remote
        if facts is not None:
            ledger.set_facts(file.id, facts)
        if task["stage"] == Stage.PROCESS:
            ledger.set_memory(file.id, memory_id)
            ledger.done(file.id, Stage.UPLOAD)
    return ledger, ids


def _outcome(ledger: Ledger, file: FileRow, remote: int) -> Plain:
    attempts = ledger.rows("SELECT stage, class, text, retry_after FROM attempt WHERE file = ?", (file.id,))
    return {
        "id": remote,
        "states": {str(stage): str(state) for stage, state in file.states.items()},
        "failures": {row["stage"]: (row["class"], row["text"], row["retry_after"]) for row in attempts},
        "memory_id": file.memory_id,
        "facts": file.facts,
        "first_byte": file.first_byte,
        "parts": [asdict(part) for part in ledger.parts(file.id).values()],
        "preview": ledger.preview(file.sha256) if file.sha256 else None,
    }


def apply_outcome(ledger: Ledger, outcome: Plain, dice: Any) -> None:
    """Write what became of a file into the run's ledger."""
    file = ledger.file(outcome["id"])
    with ledger.transaction():
        if outcome["facts"] is not None:
            ledger.set_facts(file.id, outcome["facts"])
        if outcome["memory_id"] is not None:
            ledger.set_memory(file.id, outcome["memory_id"])
        if outcome["first_byte"] is not None:
            ledger.run(
                "UPDATE file SET first_byte = coalesce(first_byte, ?) WHERE id = ?",
                (outcome["first_byte"], file.id),
            )
        for part in outcome["parts"]:
            ledger.merge_part(file.id, part)
        if outcome["preview"] is not None and file.sha256 is not None:
            ledger.set_preview(file.sha256, 0, 0, outcome["preview"])
        for stage in (Stage.UPLOAD, Stage.PROCESS):
            _apply_stage(ledger, file, stage, outcome, dice)


def _apply_stage(ledger: Ledger, file: FileRow, stage: Stage, outcome: Plain, dice: Any) -> None:
    state = State(outcome["states"][stage])
    if file.states[stage] in (State.DONE, State.SKIPPED):
        return
    if state is State.DONE:
        ledger.done(file.id, stage)
        return
    failure = outcome["failures"].get(stage)
    if failure is not None:
        cls, text, retry_after = failure
        busy = cls == FailureClass.RATE_LIMIT and retry_after is not None
        lease = _lease_of(ledger, file, stage)
        note(
            ledger,
            lease,
            Failure(cls=FailureClass(cls), text=text, retry_after_s=retry_after, counts=not busy),
            dice,
        )
    elif file.states[stage] is State.LEASED:
        ledger.give_back(file.id, stage)


def _lease_of(ledger: Ledger, file: FileRow, stage: Stage) -> Lease:
    (row,) = ledger.rows(
        "SELECT attempts, max_attempts, priority FROM stage WHERE file = ? AND stage = ?", (file.id, stage)
    )
    return Lease(
        file=file,
        stage=stage,
        attempts=row["attempts"],
        max_attempts=row["max_attempts"] or MAX_ATTEMPTS[0],
        priority=row["priority"],
    )
