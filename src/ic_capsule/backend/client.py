"""Bases of the generated clients: unwrap results, and convert calls for older generations.

A client calls the current interface as it is until `detect_generation` has run, which `open_backend` does. From then on
its calls are converted where the backend is of an older generation. The two classes differ only in that one awaits its
agent.
"""

from __future__ import annotations

import warnings
from typing import Any, Final, TypeVar, cast

from ic_harness.agent import Effect, run, run_async
from ic_harness.candid import runtime as rt
from ic_harness.errors import BackendError
from ic_harness.principal import Principal

from .compat import CompatLayer
from .detection import detect_generation
from .effects import Call, ReadMetadata
from .profile import Profile

T = TypeVar("T")
_RENAMED: Final = "recognize is now detect_generation; the former name goes with the next release"


class BackendClient(rt.Client):
    """Base of the generated `Backend`.

    Its methods raise `BackendError` for the `Err` of a result, `NotInGenerationError` for what the backend's generation
    cannot do, and what the agent raises (`CallError`, `CertificateError`, …) with the method's name in it.
    """

    _compat: CompatLayer | None = None

    @property
    def profile(self) -> Profile | None:
        """What is known of the backend; None before `detect_generation`."""
        return None if self._compat is None else self._compat.profile

    def detect_generation(self) -> Profile:
        """Detect the generation of the backend, once; from then on calls are converted for it.

        Raises `UnknownBackendError` for another kind of canister, and what the agent raises.
        """
        if self._compat is None:
            profile = run(detect_generation(self._canister_id), self._perform)
            self._compat = CompatLayer(profile, self.interface, self._canister_id)
        return self._compat.profile

    def recognize(self) -> Profile:
        """Deprecated name of `detect_generation`."""
        warnings.warn(_RENAMED, DeprecationWarning, stacklevel=2)
        return self.detect_generation()

    def begin_upload(self, capsule_id: str, expected_chunks: int, idem: str, metadata: object) -> int:
        """Call `uploads_begin`, with the `AssetMetadata` from which A and B create a memory.

        Other generations do not receive it.
        """
        if self._compat is None or not self._compat.profile.traits.metadata_at_begin:
            return self._update("uploads_begin", capsule_id, expected_chunks, idem)
        values = (capsule_id, expected_chunks, idem)
        result = run(self._compat.call("uploads_begin", values, metadata), self._perform)
        return cast("int", unwrap(result, "uploads_begin", self._canister_id))

    def _update(self, method: str, *values: Any) -> T:  # type: ignore[type-var]
        if self._compat is not None:
            return cast("T", self._converted(self._compat, method, values))
        argument = self.interface.codec(method).encode(values)
        return cast("T", self._result(method, self._agent.update(self._canister_id, method, argument)))

    def _query(self, method: str, *values: Any) -> T:  # type: ignore[type-var]
        if self._compat is not None:
            return cast("T", self._converted(self._compat, method, values))
        argument = self.interface.codec(method).encode(values)
        return cast("T", self._result(method, self._agent.query(self._canister_id, method, argument)))

    def _converted(self, compat: CompatLayer, method: str, values: tuple[Any, ...]) -> Any:
        return unwrap(run(compat.call(method, values), self._perform), method, self._canister_id)

    def _result(self, method: str, reply: bytes) -> Any:
        return unwrap(self.interface.codec(method).decode(reply), method, self._canister_id)

    def _perform(self, effect: Effect[Any]) -> bytes | None:
        match effect:
            case Call("query", method, argument):
                return self._agent.query(self._canister_id, method, argument)
            case Call("update", method, argument):
                return self._agent.update(self._canister_id, method, argument)
            case ReadMetadata(name):
                read = getattr(self._agent, "read_metadata", None)  # other agents may not have it
                return cast("bytes | None", read(self._canister_id, name)) if read else None
        raise TypeError(f"bug: a backend client cannot perform {effect!r}")


class AsyncBackendClient(rt.AsyncClient):
    """Base of the generated `AsyncBackend`; raises what `BackendClient` raises."""

    _compat: CompatLayer | None = None

    @property
    def profile(self) -> Profile | None:
        """What is known of the backend; None before `detect_generation`."""
        return None if self._compat is None else self._compat.profile

    async def detect_generation(self) -> Profile:
        """Detect the generation of the backend; as `BackendClient.detect_generation`."""
        if self._compat is None:
            profile = await run_async(detect_generation(self._canister_id), self._perform)
            self._compat = CompatLayer(profile, self.interface, self._canister_id)
        return self._compat.profile

    async def recognize(self) -> Profile:
        """Deprecated name of `detect_generation`."""
        warnings.warn(_RENAMED, DeprecationWarning, stacklevel=2)
        return await self.detect_generation()

    async def begin_upload(self, capsule_id: str, expected_chunks: int, idem: str, metadata: object) -> int:
        """Call `uploads_begin` with metadata; as `BackendClient.begin_upload`."""
        if self._compat is None or not self._compat.profile.traits.metadata_at_begin:
            return await self._update("uploads_begin", capsule_id, expected_chunks, idem)
        values = (capsule_id, expected_chunks, idem)
        result = await run_async(self._compat.call("uploads_begin", values, metadata), self._perform)
        return cast("int", unwrap(result, "uploads_begin", self._canister_id))

    async def _update(self, method: str, *values: Any) -> T:
        if self._compat is not None:
            return cast("T", await self._converted(self._compat, method, values))
        argument = self.interface.codec(method).encode(values)
        return cast("T", self._result(method, await self._agent.update(self._canister_id, method, argument)))

    async def _query(self, method: str, *values: Any) -> T:
        if self._compat is not None:
            return cast("T", await self._converted(self._compat, method, values))
        argument = self.interface.codec(method).encode(values)
        return cast("T", self._result(method, await self._agent.query(self._canister_id, method, argument)))

    async def _converted(self, compat: CompatLayer, method: str, values: tuple[Any, ...]) -> Any:
        return unwrap(await run_async(compat.call(method, values), self._perform), method, self._canister_id)

    def _result(self, method: str, reply: bytes) -> Any:
        return unwrap(self.interface.codec(method).decode(reply), method, self._canister_id)

    async def _perform(self, effect: Effect[Any]) -> bytes | None:
        match effect:
            case Call("query", method, argument):
                return await self._agent.query(self._canister_id, method, argument)
            case Call("update", method, argument):
                return await self._agent.update(self._canister_id, method, argument)
            case ReadMetadata(name):
                read = getattr(self._agent, "read_metadata", None)  # other agents may not have it
                return cast("bytes | None", await read(self._canister_id, name)) if read else None
        raise TypeError(f"bug: a backend client cannot perform {effect!r}")


def unwrap(result: Any, method: str, canister: Principal) -> Any:
    """Return the value of an `Ok`, or a reply that is no result as it is; raises `BackendError` for an `Err`."""
    match result:
        case rt.Ok(value):
            return value
        case rt.Err(error):
            detail = getattr(error, "value", None)
            raise BackendError(str(error.candid_key), detail, method=method, canister=str(canister))
    return result
