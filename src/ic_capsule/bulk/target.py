"""Where a run goes: the backend with its limits, the capsule, and flow control over all calls to it."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from ic_capsule.backend import AsyncBackend, Profile, UploadConfig
from ic_capsule.uploads import AsyncBackendCalls, CapsuleId, Strategy, choose_strategy
from ic_harness.agent import AsyncAgent, RetryPolicy
from ic_harness.principal import Principal

from .governed import GovernedBackend, Recorder
from .governor import Governor, Limits, Told
from .ledger import Ledger

_PATIENCE = RetryPolicy(failures=2, busy=1)
"""The agent sends the same bytes once more; what a lasting failure means is the governor's affair."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """An open backend; `backend` is an `AsyncBackend` whose calls are governed and recorded.

    `fresh` says that a blob that the ledger has not begun is most likely not begun at all.
    """

    backend: AsyncBackendCalls
    agent: AsyncAgent
    profile: Profile
    strategy: Strategy
    config: UploadConfig
    capsule: CapsuleId
    principal: str
    governor: Governor
    fresh: bool

    def key(self, what: str, sha256: bytes) -> str:
        """The idempotency key of `what` about a content: the same for the same bytes, by any sender from any place.

        Sizes of chunks are in it, since the same session cannot take others.
        """
        text = f"{self.capsule}\0{self.principal}\0{what}\0{sha256.hex()}\0{self.config.chunk_size}"
        return f"ic-harness-{hashlib.sha256(text.encode()).hexdigest()[:40]}"


@asynccontextmanager
async def open_target(
    ledger: Ledger,
    agent: AsyncAgent,
    canister: Principal,
    *,
    network: str,
    limits: Limits,
    told: Told,
    capsule: str | None = None,
    fresh: bool = True,
) -> AsyncIterator[Target]:
    """Open the backend of a run and bind the ledger to it; closes the agent.

    Raises `InputError` when the ledger belongs to another backend, capsule or caller, and what the agent raises.
    """
    recorder = Recorder(ledger)
    agent.session.retry = _PATIENCE
    agent.session.sealed = recorder.sealed
    governor = Governor(limits, agent.status, told)
    try:
        plain = AsyncBackend(agent, canister)
        profile = await plain.detect_generation()
        strategy = choose_strategy(profile)
        backend = GovernedBackend(plain, governor, recorder, again=strategy.repeatable)
        config = await backend.upload_config()
        target = capsule or ledger.target().get("capsule") or str((await backend.capsules_create(None)).id)
        ledger.set_target(
            root_key=hashlib.sha256(await agent.root_key()).hexdigest(),
            canister=str(canister),
            capsule=CapsuleId(target),
            principal=str(agent.principal),
            generation=str(profile.generation),
        )
        ledger.note_network(network)
        yield Target(
            backend=backend,
            agent=agent,
            profile=profile,
            strategy=strategy,
            config=config,
            capsule=CapsuleId(target),
            principal=str(agent.principal),
            governor=governor,
            fresh=fresh,
        )
    finally:
        await governor.close()
        await agent.close()
