"""Installing code: install, reinstall, upgrade, uninstall.

Interface specification, "Method install_code", "Canister upgrades", "Method uninstall_code". All of it is
atomic: either the canister has the new code and state, or everything is as before.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
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
from ic_harness.replica.execution.charging import set_aside
from ic_harness.replica.execution.frame import environment
from ic_harness.replica.execution.instances import InstancePool
from ic_harness.replica.execution.memory_usage import memory_with
from ic_harness.replica.management import refusals
from ic_harness.replica.management.allocations import check_growth, consume, out_of_cycles
from ic_harness.replica.management.call import Call, ManagementReject
from ic_harness.replica.management.effects import ManagementEffects
from ic_harness.replica.state import rejects
from ic_harness.replica.state.fees import Fees
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
    instructions: int = 0
    reserve: int = 0

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
        with self._paid(module), self.call.instances.lock(canister.id):
            if self.kind == "upgrade":
                self._upgrade(module)
            else:
                self._install(module)
        self._finish(module)
        return ()

    @contextmanager
    def _paid(self, module: Module) -> Iterator[None]:
        """Pay for the longest installation, and take back what was not used. Raises `ManagementReject` (IC0207)."""
        call, canister, fees = self.call, self.canister, self.call.view.subnet.fees
        cost = fees.execution(call.view.subnet.prepaid_instructions, is_64=module.is_64)
        unpaid = out_of_cycles(call, canister, cost)
        if unpaid is not None:
            raise ManagementReject(refusals.installation_unpaid(unpaid))
        consume(call, canister, cost)
        back = cost  # all of it, when it is interrupted and will be done again
        try:
            yield
            back = self._unused(fees, module)
        except ManagementReject:
            back = self._unused(fees, module)
            raise
        finally:
            consume(call, canister, -back)
            call.changed(canister)

    def _unused(self, fees: Fees, module: Module) -> int:
        limit = self.call.view.subnet.prepaid_instructions
        return fees.instructions(max(0, limit - self.instructions), is_64=module.is_64)

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
            memory = memory_with(self.canister, new, module)
            self.reserve = check_growth(self.call, self.canister, memory)
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
        self.instructions += new.commit().page_weight
        set_aside(self.canister, self.reserve)
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
            self.instructions += old.commit().page_weight
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
            instruction_limit=self.call.view.subnet.rules.install_instructions,
        )

    def _check(self, outcome: Outcome) -> Completed:
        """Return a message that completed; log and reject one that trapped. Raises `ManagementReject`."""
        self.instructions += outcome.instructions
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
        canister.cycles_burned += wanted.cycles_burned
        consume(self.call, canister, wanted.cycles_burned)

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
    remove_code(canister, call.instances, call.effects)
    call.remember(canister, "code_uninstall")


def run_dry(canister: Canister, instances: InstancePool) -> ManagementEffects:
    """Remove code, state and the last cycles of a canister that cannot pay for being there."""
    done = ManagementEffects()
    remove_code(canister, instances, done)
    canister.history = []
    canister.cycles = canister.reserved_cycles = 0
    canister.settings = replace(canister.settings, compute_allocation=0, memory_allocation=0)
    return done


def remove_code(canister: Canister, instances: InstancePool, done: ManagementEffects) -> None:
    """Remove code and state of a canister; calls that it has not answered are rejected. Notes effects in `done`."""
    outputs = done.outputs
    for context in list(canister.contexts.values()):
        if not context.answered:
            effects.answer(context, rejects.canister_uninstalled(), outputs)
        context.abandoned = True
        effects.close_call_context(canister, context, outputs)
    with instances.lock(canister.id):
        instances.drop(canister.id)
        canister.module_hash = b""
        canister.certified_data = b""
    canister.global_timer_ns = 0
    canister.installed_ns = 0
    canister.low_memory_hook = "unmet"
    canister.chunks = {}
    canister.logs = []
    canister.version += 1
    done.memory_replaced.add(canister.id)
    done.changed[canister.id] = canister
