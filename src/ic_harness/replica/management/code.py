"""Installing code: install, reinstall, upgrade, uninstall.

Interface specification, "Method install_code", "Canister upgrades", "Method uninstall_code". All of it is
atomic: either the canister has the new code and state, or everything is as before.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from ic_harness.replica.execution import (
    Completed,
    Entry,
    Instance,
    Mode,
    Module,
    ModuleInvalid,
    Outcome,
    Trapped,
    effects,
    trap_rejects,
)
from ic_harness.replica.execution.environment import environment
from ic_harness.replica.management import refusals
from ic_harness.replica.management.call import Call, ManagementReject
from ic_harness.replica.state import rejects
from ic_harness.replica.state.config import INSTALL_INSTRUCTIONS
from ic_harness.replica.state.replicated_state import Canister

ENHANCED: Final = "enhanced-orthogonal-persistence"
"""The private custom section by which Motoko marks modules whose heap can stay over an upgrade."""


@dataclass(slots=True, kw_only=True)
class Installation:
    """Code on its way into a canister: what `install_code` and `install_chunked_code` have in common."""

    call: Call
    canister: Canister
    mode: Mapping[str, Any]
    wasm: bytes
    arg: bytes

    @property
    def kind(self) -> str:
        """The mode: install, reinstall or upgrade."""
        return next(iter(self.mode))

    @property
    def options(self) -> Mapping[str, Any]:
        """The options of an upgrade."""
        return self.mode.get("upgrade") or {}

    def run(self) -> tuple[()]:
        """Install. Raises `ManagementReject`."""
        self.call.check_version()
        canister = self.canister
        if self.kind == "install" and canister.installed:
            raise ManagementReject(refusals.not_empty(canister.id))
        if self.kind == "upgrade" and not canister.installed:
            raise ManagementReject(rejects.no_module_in(canister.id))
        try:
            module = self.call.instances.compile(self.wasm)
        except ModuleInvalid as problem:
            raise ManagementReject(refusals.invalid_wasm(canister.id, problem.message)) from None
        with self.call.instances.lock(canister.id):
            if self.kind == "upgrade":
                self._upgrade(module)
            else:
                self._install(module)
        self._finish(module)
        return ()

    # --- install and reinstall ------------------------------------------------------------------------------

    def _install(self, module: Module) -> None:
        new = self._instantiate(module)
        canister = self.canister
        with self._renewed():
            outcomes = self._begin(new, module, "canister_init", Mode.INIT)
        self.call.instances.drop(canister.id)
        canister.certified_data = b""
        canister.low_memory_hook = "unmet"
        if self.kind == "reinstall":
            canister.logs = []
        self._adopt(new, outcomes)

    def _instantiate(self, module: Module, **memories: Any) -> Instance:
        try:
            return self.call.instances.engine.instantiate(module, **memories)
        except ModuleInvalid as problem:
            raise ManagementReject(refusals.invalid_wasm(self.canister.id, problem.message)) from None

    def _begin(self, new: Instance, module: Module, export: str, mode: Mode) -> list[Completed]:
        """Run the start function and the first entry point of a new instance; close it when they fail."""
        since = self.call.view.since
        try:
            outcomes = [self._check(new.start(self._environment(Mode.START), since))]
            if export in module.exports:
                env = self._environment(mode, self.arg)
                outcomes.append(self._check(new.run(Entry(export=export), env, since)))
        except BaseException:  # trapped, or interrupted
            new.close()
            raise
        return outcomes

    @contextmanager
    def _renewed(self) -> Iterator[None]:
        """Show new code the canister as it will be: one version on, the timer off (also one that pre_upgrade set).

        Both are as before when it fails; after success `_finish` raises the version, and the timer stays off.
        """
        canister = self.canister
        timer = canister.global_timer_ns
        canister.version += 1
        canister.global_timer_ns = 0
        try:
            yield
        except BaseException:  # trapped, or interrupted
            canister.global_timer_ns = timer
            raise
        finally:
            canister.version -= 1

    def _adopt(self, new: Instance, outcomes: list[Completed]) -> None:
        new.commit()
        self.call.instances.put(self.canister.id, new)
        for outcome in outcomes:
            self._apply(outcome)

    # --- upgrade --------------------------------------------------------------------------------------------

    def _upgrade(self, module: Module) -> None:
        canister, instances = self.canister, self.call.instances
        old = instances.instance(canister)
        keep = self._keeps_heap(old.module, module)
        before = old.snapshot()
        data = canister.certified_data
        try:
            self._leave(old)
            old.commit()
            memories = {"stable": old.stable, "heap": old.heap} if keep else {"stable": old.stable}
            new = self._instantiate(module, **memories)
            with self._renewed():
                outcomes = self._begin(new, module, "canister_post_upgrade", Mode.POST_UPGRADE)
        except BaseException:  # trapped, or interrupted
            old.restore(before)
            canister.certified_data = data
            raise
        finally:
            before.close()
        self._adopt(new, outcomes)
        old.close()

    def _leave(self, old: Instance) -> None:
        if self.options.get("skip_pre_upgrade") or "canister_pre_upgrade" not in old.module.exports:
            return
        env = self._environment(Mode.PRE_UPGRADE)
        outcome = self._check(old.run(Entry(export="canister_pre_upgrade"), env, self.call.view.since))
        if outcome.effects.certified_data is not None:
            self.canister.certified_data = outcome.effects.certified_data

    def _keeps_heap(self, old: Module, new: Module) -> bool:
        """Whether the heap stays. Raises `ManagementReject` where Motoko's rules for it are broken."""
        persistence = self.options.get("wasm_memory_persistence")
        if persistence is None:
            if ENHANCED in old.custom_sections:
                raise ManagementReject(
                    refusals.missing_upgrade_option(
                        "Enhanced orthogonal persistence requires the `wasm_memory_persistence` upgrade option."
                    )
                )
            return False
        if "keep" not in persistence:
            return False
        if ENHANCED not in new.custom_sections:
            raise ManagementReject(
                refusals.invalid_upgrade_option(
                    "The `wasm_memory_persistence: opt Keep` upgrade option requires that the new canister module "
                    "supports enhanced orthogonal persistence."
                )
            )
        return True

    # --- both -----------------------------------------------------------------------------------------------

    def _environment(self, mode: Mode, arg: bytes = b"") -> Any:
        return environment(
            self.canister,
            self.call.view.subnet,
            self.call.now_ns,
            mode,
            caller=self.call.caller,
            arg=arg,
            may_answer=False,
            instruction_limit=INSTALL_INSTRUCTIONS,
        )

    def _check(self, outcome: Outcome) -> Completed:
        """Return a message that completed; log and reject one that trapped. Raises `ManagementReject`."""
        if isinstance(outcome, Trapped):
            effects.log_trap(self.canister, outcome, self.call.now_ns)
            self.call.changed(self.canister)
            raise ManagementReject(trap_rejects.trapped(self.canister.id, outcome))
        effects.log(self.canister, outcome.logs, self.call.now_ns)
        return outcome

    def _apply(self, outcome: Completed) -> None:
        canister, wanted = self.canister, outcome.effects
        if wanted.certified_data is not None:
            canister.certified_data = wanted.certified_data
        if wanted.global_timer_ns is not None:
            canister.global_timer_ns = wanted.global_timer_ns
        canister.cycles -= wanted.cycles_burned

    def _finish(self, module: Module) -> None:
        canister, call = self.canister, self.call
        canister.module_hash = call.instances.blobs.put(self.wasm)
        canister.installed_ns = call.now_ns
        canister.version += 1
        call.remember(canister, "code_deployment", mode=self.kind, module_hash=module.wasm_hash)
        call.effects.memory_replaced.add(canister.id)
        call.changed(canister)


def install_code(call: Call) -> tuple[()]:
    """Install a module that came with the call."""
    argument = call.argument
    return Installation(
        call=call,
        canister=call.canister,
        mode=argument["mode"],
        wasm=argument["wasm_module"],
        arg=argument["arg"],
    ).run()


def uninstall_code(call: Call) -> tuple[()]:
    """Remove code and state; open calls are rejected, cycles, settings and history stay."""
    call.check_version()
    uninstall(call, call.canister)
    return ()


def uninstall(call: Call, canister: Canister) -> None:
    """Remove code and state of a canister."""
    outputs = call.effects.outputs
    for context in list(canister.contexts.values()):
        if not context.answered:
            effects.answer(context, rejects.canister_uninstalled(), outputs)
        context.abandoned = True
        effects.close_call_context(canister, context, outputs)
    with call.instances.lock(canister.id):
        call.instances.drop(canister.id)
        canister.module_hash = b""
        canister.certified_data = b""
    canister.global_timer_ns = 0
    canister.installed_ns = 0
    canister.low_memory_hook = "unmet"
    canister.chunks = {}
    canister.logs = []
    canister.version += 1
    call.remember(canister, "code_uninstall")
    call.effects.memory_replaced.add(canister.id)
    call.changed(canister)
