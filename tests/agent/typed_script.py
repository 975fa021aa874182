"""A script as a user writes it: it runs, and it is clean under `mypy --strict`. See test_typed_script.py."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import assert_type

from ic_capsule.backend import (
    AsyncBackend,
    Backend,
    Generation,
    UploadFinishResult,
    open_backend,
    open_backend_async,
    reference_wasm,
)
from ic_capsule.uploads import UploadedPhoto, upload_photo
from ic_harness import candid
from ic_harness.agent import Agent, AsyncAgent, Flow, Management, Pause, Request, Response, Send
from ic_harness.errors import BackendError, CallError, InputError, NotInGenerationError, RejectError
from ic_harness.ic_py import Canister, Types, encode
from ic_harness.networks import Network, connect, embedded
from ic_harness.principal import Principal
from ic_harness.protocol import DelegatedIdentity, Ed25519Identity, Identity, find_identity


def whoami(agent: Agent, canister: Principal) -> Principal:
    """Candid by hand: what is decoded has no type but what one says."""
    reply: bytes = agent.query(canister, "whoami", candid.encode((), ()))
    (caller,) = candid.decode(reply, candid.parse_types("(principal)"))
    assert isinstance(caller, Principal)
    return caller


def store(backend: Backend, data: bytes) -> str:
    """The typed client: arguments and results are checked, errors are typed."""
    capsule: str = backend.capsules_create(None).id
    session: int = backend.uploads_begin(capsule, 1, "one")
    backend.uploads_put_chunk(session, 0, data)
    try:
        backend.uploads_finish(session, b"wrong" + bytes(27), len(data))
    except BackendError as error:
        tag: str = error.tag
        assert tag == "InvalidArgument", tag
    finished: UploadFinishResult = backend.uploads_finish(session, _digest(data), len(data))
    return finished.blob_id


def status_codes(paths: list[str]) -> Flow[list[int]]:
    """A flow of one's own: `yield from` returns the reply with the type that the effect declares."""
    codes = []
    for path in paths:
        response = yield from Send(Request("GET", path))
        assert_type(response, Response)
        codes.append(response.status)
        yield from Pause(0.0)
    return codes


def _digest(data: bytes) -> bytes:
    import hashlib

    return hashlib.sha256(data).digest()


async def at_once(network: Network, identity: Identity, canister: Principal) -> list[int]:
    """The asynchronous twins."""
    agent: AsyncAgent = network.async_agent(identity)
    async with agent:
        backend = AsyncBackend(agent, canister)
        configs = await asyncio.gather(*(backend.upload_config() for _ in range(3)))
    return [config.chunk_size for config in configs]


async def of_any_generation(agent: Agent, awaited: AsyncAgent, canister: Principal) -> Generation:
    """Backends of every generation are one type; what one cannot do is an error that says so."""
    backend: Backend = open_backend(agent, canister)
    twin: AsyncBackend = await open_backend_async(awaited, canister)
    assert backend.profile is not None
    assert backend.profile == twin.profile
    try:
        backend.sessions_stats()
    except NotInGenerationError as error:
        able: tuple[str, ...] = error.able
        raise InputError(f"use a backend of generation {' or '.join(able)}") from error
    except BackendError:
        pass  # not ours to see
    return backend.profile.generation


def photo(backend: Backend, path: Path) -> str:
    """Uploads."""
    stored: UploadedPhoto = upload_photo(backend, path)
    return stored.memory_id


def mistakes(backend: Backend, agent: Agent) -> None:
    """What a type checker must find: each line has a mistake, and says which."""
    backend.uploads_begin(1, 1, "x")  # type: ignore[arg-type]
    backend.uploads_begin("capsule", 1)  # type: ignore[call-arg]
    backend.no_such_method()  # type: ignore[attr-defined]
    agent.update("aaaaa-aa", "method", "text")  # type: ignore[arg-type]
    upload_photo(backend, 5)  # type: ignore[arg-type]
    number: int = backend.capsules_create(None).id  # type: ignore[assignment]
    del number


def from_ic_py(agent: Agent, canister: Principal) -> str:
    """A script that came from ic-py."""
    old = Canister(agent, str(canister), "service : { whoami : () -> (principal) query }")
    encode([{"type": Types.Opt(Types.Nat), "value": [1]}])
    return str(old.whoami()[0])


def main(path: Path) -> dict[str, object]:
    """All of it on the embedded network."""
    owner = Ed25519Identity.generate()
    session = DelegatedIdentity.delegate(owner, Ed25519Identity.generate(), expiration_ns=2**62)
    with embedded() as network:
        canister = network.deploy(reference_wasm())
        agent = network.agent(session)
        backend = Backend(agent, canister)
        try:
            Management(agent).stop_canister(canister)
        except RejectError as error:
            refusal: str | None = error.error_code
        return {
            "caller": whoami(agent, canister) == owner.principal,
            "blob": store(backend, b"hello"),
            "chunks": asyncio.run(at_once(network, owner, canister)),
            "generation": asyncio.run(of_any_generation(agent, network.async_agent(owner), canister)),
            "memory": photo(backend, path),
            "refusal": refusal,
            "codes": agent.run(status_codes(["/api/v2/status", "/nowhere"])),
            "ic_py": from_ic_py(agent, canister) == str(owner.principal),
        }


def elsewhere(url: str, name: str) -> bool:
    """The same on a network that runs already."""
    try:
        with connect(url) as network:
            return bool(network.agent(find_identity(name, {})).status()["replica_health_status"] == "healthy")
    except (CallError, InputError):
        return False
