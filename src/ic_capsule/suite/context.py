"""The context of a check: callers with capsules of their own, on the canister under test."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from itertools import count
from typing import Any, TypeVar

from ic_capsule.backend import BlobRef, UploadConfig, UploadFinishResult, open_backend
from ic_harness import candid
from ic_harness.agent import Agent
from ic_harness.errors import RejectError
from ic_harness.networks import Capability, Network
from ic_harness.principal import Principal
from ic_harness.protocol import AnonymousIdentity, Identity
from ic_harness.testing.assertions import UnmetNeedError
from ic_harness.testing.call_code import RecordedCall, Sample
from ic_harness.testing.call_log import CallLog, CallRecord, RecordingClient, brief, brief_text
from ic_harness.testing.results import Violation
from ic_harness.testing.target import LogTail, Target

from .sample_data import Content, asset_metadata, blob_asset, memory_metadata
from .script import reproduction

T = TypeVar("T")


class Caller:
    """A user of the canister; `backend` is their client, `capsule` their own capsule."""

    def __init__(self, name: str, identity: Identity, backend: Any, new_idem: Callable[[], str]) -> None:
        self.name = name
        self.identity = identity
        self.backend = backend
        self.idem = new_idem

    @property
    def principal(self) -> Principal:
        """The caller's principal."""
        return self.identity.principal

    @cached_property
    def capsule(self) -> str:
        """The id of the caller's own capsule, made when first asked for."""
        return str(self.backend.capsules_create(None).id)

    @cached_property
    def config(self) -> UploadConfig:
        """The limits that the canister advertises."""
        config: UploadConfig = self.backend.upload_config()
        return config

    def can(self, method: str) -> bool:
        """Whether the canister's generation has a method."""
        profile = self.backend.profile
        return profile is None or bool(profile.has(method))

    def begin(self, chunks: int, idem: str | None = None, capsule: str | None = None) -> int:
        """Open a session in the caller's capsule, with a fresh idem unless one is given."""
        return int(self.backend.uploads_begin(capsule or self.capsule, chunks, idem or self.idem()))

    def put(self, session: int, chunks: Sequence[bytes], order: Iterable[int] | None = None) -> None:
        """Send the chunks, in index order or in the order given."""
        for index in order if order is not None else range(len(chunks)):
            self.backend.uploads_put_chunk(session, index, chunks[index])

    def finish(self, session: int, sample: Content) -> UploadFinishResult:
        """Finish with the true hash and length."""
        result: UploadFinishResult = self.backend.uploads_finish(session, sample.sha256, sample.size)
        return result

    def upload(self, sample: Content, chunk_size: int | None = None, idem: str | None = None) -> str:
        """Upload the chunks in order and return the locator."""
        chunks = sample.chunks(chunk_size or self.config.chunk_size)
        session = self.begin(len(chunks), idem)
        self.put(session, chunks)
        return self.finish(session, sample).blob_id

    def read(self, locator: str) -> bytes:
        """Read a whole blob, chunk by chunk."""
        meta = self.backend.blob_get_meta(locator)
        return b"".join(self.backend.blob_read_chunk(locator, index) for index in range(meta.chunk_count))

    def remember(self, sample: Content, title: str = "A day at the sea") -> tuple[str, str]:
        """Upload a blob and make a memory of it: (memory id, locator)."""
        if not self.memory_at_finish:
            locator = self.upload(sample)
            return self.remember_blob(locator, sample, title), locator
        chunks = sample.chunks(self.config.chunk_size)
        metadata = asset_metadata(sample, name=title)
        session = int(self.backend.begin_upload(self.capsule, len(chunks), self.idem(), metadata))
        self.put(session, chunks)
        result = self.finish(session, sample)
        return str(result.memory_id), result.blob_id

    @property
    def memory_at_finish(self) -> bool:
        """Whether the canister's generation creates a memory for every upload, from the metadata of its begin."""
        profile = self.backend.profile
        return profile is not None and bool(profile.traits.metadata_at_begin)

    def remember_blob(self, locator: str, sample: Content, title: str = "A day at the sea") -> str:
        """Create a memory of an uploaded blob, in the way of the canister's generation, and return its id."""
        if not self.can("memories_create_with_internal_blobs"):
            ref = BlobRef(locator=locator, hash=sample.sha256, len=sample.size)
            metadata = asset_metadata(sample, name=title)
            nothing = (None,) * 5
            arguments = (self.capsule, None, ref, *nothing, metadata, self.idem())
            return str(self.backend.memories_create(*arguments))
        asset = blob_asset(locator, sample)
        return str(
            self.backend.memories_create_with_internal_blobs(
                self.capsule, memory_metadata(title), [asset], self.idem()
            )
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """The sizes of the most expensive checks.

    Foreign memories beside a capsule, memories in a long list and those added while one pages, photos at once,
    bytes of a large original and of a long text.
    """

    other_capsules: int = 1000
    listed: int = 1000
    added: int = 20
    photos: int = 4
    text: int = 1_000_000
    original: int = 21_000_000


class CheckContext:
    """The test context of one check: the canister, its callers, and `call_log` with the calls that were made."""

    def __init__(
        self,
        network: Network,
        canister_id: Principal,
        identities: Callable[[str], Identity],
        *,
        controller: Identity | None = None,
        upgrade: Callable[[], None] | None = None,
        sizes: Sizes | None = None,
        target: str = "",
    ) -> None:
        self.network = network
        self.canister_id = canister_id
        self.sizes = sizes or Sizes()
        self.call_log = CallLog()
        self.target = target
        """How a person reaches the build or canister: a path, or `NETWORK:CANISTER`; empty where that is unknown."""
        self.generation = ""
        """The detected generation of the canister; empty before the first call."""
        self._identities = identities
        self._controller = controller
        self._upgrade = upgrade
        self._callers: dict[str, Caller] = {}
        self._numbers = count(1)
        self._log_tail = LogTail(network, canister_id)

    @classmethod
    def of(cls, target: Target) -> CheckContext:
        """Return the context for the target of a gate's suite."""
        return cls(
            target.network,
            target.canister_id,
            target.identities,
            controller=target.controller,
            upgrade=target.upgrading,
            target=target.place,
        )

    def caller(self, name: str = "alice") -> Caller:
        """Return the caller of that name; the same one every time."""
        if name not in self._callers:
            self._callers[name] = self._introduce(name, self._identities(name))
        return self._callers[name]

    def anonymous(self) -> Caller:
        """Return the anonymous caller."""
        return self._introduce("anonymous", AnonymousIdentity())

    def controller(self) -> Caller:
        """Return a controller of the canister. Raises `UnmetNeedError` where none is known."""
        if self._controller is None:
            msg = "no identity that controls the canister"
            raise UnmetNeedError(msg)
        return self._introduce("controller", self._controller)

    @property
    def people(self) -> dict[Principal, str]:
        """The names of the callers so far, by their principals."""
        return {caller.principal: name for name, caller in self._callers.items()}

    def in_bulk(self, caller: Caller) -> Caller:
        """Return the same caller with a cheaper client, for many calls of which only the effects matter."""
        client = open_backend(self.network.bulk_agent(caller.identity), self.canister_id)
        return Caller(
            caller.name, caller.identity, RecordingClient(client, caller.name, self.call_log), caller.idem
        )

    def _introduce(self, name: str, identity: Identity) -> Caller:
        client = open_backend(self._agent(identity), self.canister_id)
        self.generation = str(client.profile).removeprefix("generation ")
        backend = RecordingClient(client, name, self.call_log)
        return Caller(name, identity, backend, lambda: f"{name}-{next(self._numbers)}")

    def _agent(self, identity: Identity) -> Agent:
        return self.network.agent(identity)

    def stable_memory(self) -> bytes:
        """Read the canister's stable memory. Raises `UnmetNeedError` where the network does not show it."""
        if Capability.STABLE not in self.network.capabilities:
            msg = f"the network {self.network.name} does not show stable memory"
            raise UnmetNeedError(msg)
        return self.network.stable_memory(self.canister_id)

    def printed(self) -> tuple[str, ...]:
        """Return what the canister printed since this object was made, including traps with their backtraces.

        Empty where the network has no log stream.
        """
        return self._log_tail.texts()

    def reproduction(self, check: str, violations: Sequence[Violation], samples: Sequence[Sample]) -> str:
        """Return Python code that makes the calls of a check again, up to its last violation."""
        calls = self.call_log.written_out(max(violation.call for violation in violations))
        return reproduction(check, self.target, violations, calls, samples, self.people)

    def call(self, caller: Caller, method: str, types: str, *values: object) -> bytes:
        """Make an update call of a method that the typed client does not have, and return the reply's bytes.

        `types` are the arguments' Candid types such as `(nat64, text)`. Raises what the agent raises.
        """
        parsed = candid.parse_types(types)
        argument = candid.encode(values, parsed)
        told = candid.format_values(values, parsed)[1:-1]
        call = RecordedCall(number=0, caller=caller.name, method="call", args=(method, types, *values))
        try:
            reply: bytes = self._agent(caller.identity).update(self.canister_id, method, argument)
        except RejectError as error:
            self.call_log.add(CallRecord(caller.name, method, told, brief_text(error.message)), call)
            raise
        self.call_log.add(CallRecord(caller.name, method, told, brief(reply)), call)
        return reply

    def upgrade(self) -> None:
        """Upgrade the canister to the build under test. Raises `UnmetNeedError` where that cannot be done."""
        if self._upgrade is None:
            msg = "no Wasm to upgrade to (give --wasm), or no right to install it"
            raise UnmetNeedError(msg)
        self._upgrade()
        self._tell("upgrade")

    def _tell(self, what: str, *args: object) -> None:
        """Record an action of the check on the canister or the network that is no call of a caller."""
        call = RecordedCall(number=0, caller="", method=what, args=args)
        self.call_log.add(CallRecord("network", what, ", ".join(map(str, args)), "done"), call)

    def advance(self, seconds: int) -> None:
        """Move the network's clock forward. Raises `UnmetNeedError` where that cannot be done."""
        if Capability.TIME not in self.network.capabilities:
            msg = f"the network {self.network.name} cannot move its clock"
            raise UnmetNeedError(msg)
        self.network.advance_time(seconds * 1_000_000_000)
        self._tell("advance", seconds)

    def at_once(self, calls: Sequence[Callable[[], T]]) -> list[T]:
        """Make calls at the same time and wait for all; then the first error is raised."""
        workers = max(1, min(16, len(calls)))
        with self.call_log.together("at_once"), ThreadPoolExecutor(max_workers=workers) as pool:
            return [future.result() for future in [pool.submit(call) for call in calls]]

    def in_one_round(self, calls: Sequence[Callable[[], T]]) -> list[T]:
        """Make calls in one round. Raises `UnmetNeedError` where the network cannot."""
        if Capability.SINGLE_ROUND not in self.network.capabilities:
            msg = f"the network {self.network.name} cannot put several messages into one round"
            raise UnmetNeedError(msg)
        with self.call_log.together("in_one_round"):
            return self.network.in_one_round(calls)

    def instructions(self, call: Callable[[], object]) -> int:
        """Make a call and return the number of instructions that the canister used for it."""
        if Capability.METRICS not in self.network.capabilities:
            msg = f"the network {self.network.name} does not measure instructions"
            raise UnmetNeedError(msg)
        before = self.network.instructions(self.canister_id)
        call()
        return self.network.instructions(self.canister_id) - before
