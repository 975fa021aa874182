"""Stops and upgrades of canisters in the middle of a scenario, as their controller would do them.

A canister is stopped before it is upgraded, as the interface asks;
it takes no new calls until its open ones have ended.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from ic_harness import candid
from ic_harness.agent import Management
from ic_harness.errors import RejectError
from ic_harness.networks import UnsignedIdentity
from ic_harness.principal import Principal
from ic_harness.protocol import management_interface
from ic_harness.replica import TrackingHook, management_call
from ic_harness.testing.driven.laboratory import Laboratory

_PERSISTENT = "enhanced-orthogonal-persistence"


class Operator:
    """Stops, upgrades and starts one canister of a laboratory; `arg` is the argument of `post_upgrade`."""

    def __init__(self, laboratory: Laboratory, canister: bytes, arg: bytes) -> None:
        self._laboratory = laboratory
        self._id = Principal(canister)
        self._arg = arg

    @property
    def _record(self) -> Any:
        return self._laboratory.replica.canister(self._id)

    @property
    def controller(self) -> Principal | None:
        """The first controller; None when there is none."""
        controllers = self._record.settings.controllers
        return Principal(controllers[0]) if controllers else None

    @property
    def stopped(self) -> bool:
        """Whether the canister has stopped."""
        return bool(self._record.status.name == "STOPPED")

    @property
    def has_open_calls(self) -> bool:
        """Whether calls are open, so that it cannot stop yet."""
        return bool(self._record.contexts)

    @property
    def changes(self) -> int:
        """How often its code or controllers have changed."""
        return int(self._record.changes)

    @property
    def module(self) -> Any:
        """What is installed."""
        return self._laboratory.replica.node_of(self._id).instances.module(self._record)

    def request(self, number: int, method: str, **more: Any) -> Any:
        """Make a call of a method of the management canister, for `MessageHook.between`."""
        assert self.controller is not None, "bug: a canister without controllers is not operated"
        argument = _encoded(method, {"canister_id": self._id, **more})
        return management_call(number, self.controller.raw, method, argument)

    def stop(self) -> list[Any]:
        """The calls that begin to stop it."""
        return [self.request(1, "stop_canister")]

    def upgrade_and_start(self) -> list[Any]:
        """The calls that upgrade it to the same module and start it."""
        module = self.module
        keep = {"keep": None} if _PERSISTENT in module.custom_sections else None
        options = {"skip_pre_upgrade": None, "wasm_memory_persistence": keep}
        installation = self.request(
            2,
            "install_code",
            mode={"upgrade": options},
            wasm_module=module.wasm,
            arg=self._arg,
            sender_canister_version=None,
        )
        return [installation, self.request(3, "start_canister")]

    def upgrade(self) -> str:
        """Upgrade between two runs; returns why that was refused, "" when it was done."""
        try:
            network = self._laboratory.network
            identity = UnsignedIdentity(self._controller)
            network.install(self._id, self.module.wasm, self._arg, "upgrade", sender=identity)
        except RejectError as error:
            return str(error)
        return ""

    def start(self) -> None:
        """Start it between two runs."""
        Management(self._laboratory.network.agent(UnsignedIdentity(self._controller))).start_canister(
            self._id
        )

    @property
    def _controller(self) -> Principal:
        assert self.controller is not None, "bug: a canister without controllers is not operated"
        return self.controller


@cache
def _methods() -> Mapping[str, Any]:
    return candid.parse(management_interface()).methods


def _encoded(method: str, argument: Mapping[str, Any]) -> bytes:
    return candid.encode([dict(argument)], _methods()[method].arg_types)


class OperatingHook(TrackingHook):
    """A hook that stops a canister before a message, and upgrades it when it has stopped.

    `at` is the label of the message; `upgrades` is whether it is upgraded too.
    """

    operator: Operator | None = None
    at = ""
    upgrades = False
    stopping = False
    upgraded = False

    def between(self, chosen: Any) -> Sequence[Any] | None:
        """Return the calls that are due before a message."""
        operator = self.operator
        if operator is None or self.upgraded:
            return ()
        if self.stopping:
            if not self.upgrades:
                return ()
            if not operator.stopped:
                return () if operator.has_open_calls else None
            self.upgraded = True
            return operator.upgrade_and_start()
        if self.describe(chosen.canister, chosen.message).label != self.at:
            return ()
        self.stopping = True
        return operator.stop()
