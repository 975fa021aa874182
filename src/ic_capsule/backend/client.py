"""What the generated clients do beyond coding: results are unwrapped, and older generations are spoken to.

A client speaks today's interface as it is until it is told to find out whom it speaks to: by `recognize`, or by being
made with `open_backend`. From then on the calls of older generations are translated. The twin classes differ only in
that one awaits its agent.
"""

from __future__ import annotations

from typing import Any, TypeVar, cast

from ic_harness.agent import Effect, run, run_async
from ic_harness.candid import runtime as rt
from ic_harness.errors import BackendError
from ic_harness.principal import Principal

from .detection import recognize
from .dialect import Dialect
from .effects import Call, ReadMetadata
from .generations import Profile

T = TypeVar("T")


class BackendClient(rt.Client):
    """Base of the generated `Backend`.

    Its methods raise `BackendError` for the `Err` of a result, `NotInGenerationError` for what the backend's generation
    cannot do, and what the agent raises (`CallError`, `CertificateError`, …) with the method's name in it.
    """

    _dialect: Dialect | None = None

    @property
    def profile(self) -> Profile | None:
        """What is known of the backend; None as long as nobody asked."""
        return None if self._dialect is None else self._dialect.profile

    def recognize(self) -> Profile:
        """Find out, once, of which generation the backend is, and speak to it accordingly from then on.

        Raises `UnknownBackendError` for what is no backend, and what the agent raises.
        """
        if self._dialect is None:
            profile = run(recognize(self._canister_id), self._perform)
            self._dialect = Dialect(profile, self.interface, self._canister_id)
        return self._dialect.profile

    def begin_upload(self, capsule_id: str, expected_chunks: int, idem: str, metadata: object) -> int:
        """`uploads_begin` with the `AssetMetadata` that A and B make a memory from; other generations do not see it."""
        if self._dialect is None or not self._dialect.profile.traits.metadata_at_begin:
            return self._update("uploads_begin", capsule_id, expected_chunks, idem)
        values = (capsule_id, expected_chunks, idem)
        result = run(self._dialect.call("uploads_begin", values, metadata), self._perform)
        return cast("int", unwrap(result, "uploads_begin", self._canister_id))

    def _update(self, method: str, *values: Any) -> T:  # type: ignore[type-var]
        if self._dialect is not None:
            return cast("T", self._spoken(self._dialect, method, values))
        argument = self.interface.codec(method).encode(values)
        return cast("T", self._result(method, self._agent.update(self._canister_id, method, argument)))

    def _query(self, method: str, *values: Any) -> T:  # type: ignore[type-var]
        if self._dialect is not None:
            return cast("T", self._spoken(self._dialect, method, values))
        argument = self.interface.codec(method).encode(values)
        return cast("T", self._result(method, self._agent.query(self._canister_id, method, argument)))

    def _spoken(self, dialect: Dialect, method: str, values: tuple[Any, ...]) -> Any:
        return unwrap(run(dialect.call(method, values), self._perform), method, self._canister_id)

    def _result(self, method: str, reply: bytes) -> Any:
        return unwrap(self.interface.codec(method).decode(reply), method, self._canister_id)

    def _perform(self, effect: Effect[Any]) -> bytes | None:
        match effect:
            case Call("query", method, argument):
                return self._agent.query(self._canister_id, method, argument)
            case Call("update", method, argument):
                return self._agent.update(self._canister_id, method, argument)
            case ReadMetadata(name):
                read = getattr(self._agent, "read_metadata", None)  # an agent of others may have none
                return cast("bytes | None", read(self._canister_id, name)) if read else None
        raise TypeError(f"bug: a backend client cannot perform {effect!r}")


class AsyncBackendClient(rt.AsyncClient):
    """Base of the generated `AsyncBackend`; raises what `BackendClient` raises."""

    _dialect: Dialect | None = None

    @property
    def profile(self) -> Profile | None:
        """What is known of the backend; None as long as nobody asked."""
        return None if self._dialect is None else self._dialect.profile

    async def recognize(self) -> Profile:
        """Find out the backend's generation; the twin of `BackendClient.recognize`."""
        if self._dialect is None:
            profile = await run_async(recognize(self._canister_id), self._perform)
            self._dialect = Dialect(profile, self.interface, self._canister_id)
        return self._dialect.profile

    async def begin_upload(self, capsule_id: str, expected_chunks: int, idem: str, metadata: object) -> int:
        """`uploads_begin` with metadata; the twin of `BackendClient.begin_upload`."""
        if self._dialect is None or not self._dialect.profile.traits.metadata_at_begin:
            return await self._update("uploads_begin", capsule_id, expected_chunks, idem)
        values = (capsule_id, expected_chunks, idem)
        result = await run_async(self._dialect.call("uploads_begin", values, metadata), self._perform)
        return cast("int", unwrap(result, "uploads_begin", self._canister_id))

    async def _update(self, method: str, *values: Any) -> T:
        if self._dialect is not None:
            return cast("T", await self._spoken(self._dialect, method, values))
        argument = self.interface.codec(method).encode(values)
        return cast("T", self._result(method, await self._agent.update(self._canister_id, method, argument)))

    async def _query(self, method: str, *values: Any) -> T:
        if self._dialect is not None:
            return cast("T", await self._spoken(self._dialect, method, values))
        argument = self.interface.codec(method).encode(values)
        return cast("T", self._result(method, await self._agent.query(self._canister_id, method, argument)))

    async def _spoken(self, dialect: Dialect, method: str, values: tuple[Any, ...]) -> Any:
        return unwrap(await run_async(dialect.call(method, values), self._perform), method, self._canister_id)

    def _result(self, method: str, reply: bytes) -> Any:
        return unwrap(self.interface.codec(method).decode(reply), method, self._canister_id)

    async def _perform(self, effect: Effect[Any]) -> bytes | None:
        match effect:
            case Call("query", method, argument):
                return await self._agent.query(self._canister_id, method, argument)
            case Call("update", method, argument):
                return await self._agent.update(self._canister_id, method, argument)
            case ReadMetadata(name):
                read = getattr(self._agent, "read_metadata", None)  # an agent of others may have none
                return cast("bytes | None", await read(self._canister_id, name)) if read else None
        raise TypeError(f"bug: a backend client cannot perform {effect!r}")


def unwrap(result: Any, method: str, canister: Principal) -> Any:
    """The value of an `Ok`, or what is no result at all; raises `BackendError` for an `Err`."""
    match result:
        case rt.Ok(value):
            return value
        case rt.Err(error):
            detail = getattr(error, "value", None)
            raise BackendError(str(error.candid_key), detail, method=method, canister=str(canister))
    return result
