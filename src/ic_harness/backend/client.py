"""What the generated clients do beyond coding: a result's `Ok` is unwrapped, its `Err` is raised.

The twin classes differ only in that one awaits its agent.
"""

from __future__ import annotations

from typing import Any, TypeVar, cast

from ic_harness.candid import runtime as rt
from ic_harness.errors import BackendError
from ic_harness.principal import Principal

T = TypeVar("T")


class BackendClient(rt.Client):
    """Base of the generated `Backend`.

    Its methods raise `BackendError` for the `Err` of a result, and what the agent raises (`CallError`,
    `CertificateError`, …) with the method's name in it.
    """

    def _update(self, method: str, *values: Any) -> T:  # type: ignore[type-var]
        argument = self.interface.codec(method).encode(values)
        return cast("T", self._result(method, self._agent.update(self._canister_id, method, argument)))

    def _query(self, method: str, *values: Any) -> T:  # type: ignore[type-var]
        argument = self.interface.codec(method).encode(values)
        return cast("T", self._result(method, self._agent.query(self._canister_id, method, argument)))

    def _result(self, method: str, reply: bytes) -> Any:
        return unwrap(self.interface.codec(method).decode(reply), method, self._canister_id)


class AsyncBackendClient(rt.AsyncClient):
    """Base of the generated `AsyncBackend`; raises what `BackendClient` raises."""

    async def _update(self, method: str, *values: Any) -> T:
        argument = self.interface.codec(method).encode(values)
        return cast("T", self._result(method, await self._agent.update(self._canister_id, method, argument)))

    async def _query(self, method: str, *values: Any) -> T:
        argument = self.interface.codec(method).encode(values)
        return cast("T", self._result(method, await self._agent.query(self._canister_id, method, argument)))

    def _result(self, method: str, reply: bytes) -> Any:
        return unwrap(self.interface.codec(method).decode(reply), method, self._canister_id)


def unwrap(result: Any, method: str, canister: Principal) -> Any:
    """The value of an `Ok`, or what is no result at all; raises `BackendError` for an `Err`."""
    match result:
        case rt.Ok(value):
            return value
        case rt.Err(error):
            detail = getattr(error, "value", None)
            raise BackendError(str(error.candid_key), detail, method=method, canister=str(canister))
    return result
