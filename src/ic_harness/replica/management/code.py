"""Installing code: install, reinstall, upgrade, uninstall.

Interface specification, "Method install_code", "Canister upgrades", "Method uninstall_code". All of it is
atomic: either the canister has the new code and state, or everything is as before.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Final

from ic_harness.lazy_dataclass import dataclass
from ic_harness.replica.execution import (
    CodeChange,
    Completed,
    Instance,
    Mode,
    Module,
    ModuleInvalid,
    NewCode,
    Outcome,
    SliceExhausted,
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
from ic_harness.replica.management.call import Call, LongInstallation, ManagementReject
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
        """Install. Raises `ManagementReject`, and `LongInstallation` where the code needs more than a slice."""
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
        unpaid = out_of_cycles(call, canister, cost) if call.done is None else None  # it was paid before
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
            # Calls that came during a long installation were paid from what it had in hand.
            if canister.cycles < 0:
                call.view.state.consumed_cycles += canister.cycles
                canister.cycles = 0
            call.changed(canister)

    def _unused(self, fees: Fees, module: Module) -> int:
        limit = self.call.view.subnet.prepaid_instructions
        return fees.instructions(max(0, limit - self.instructions), is_64=module.is_64)

    # --- running the code -----------------------------------------------------------------------------------

    def _install(self, module: Module) -> None:
        canister = self.canister
        new = self._checked(self._run(self._change(module), None), module)
        self.call.instances.drop(canister.id)
        canister.certified_data = b""
        canister.low_memory_hook = "unmet"
        if self.kind == "reinstall":
            canister.logs = []
        self._adopt(*new)

    def _upgrade(self, module: Module) -> None:
        old = self.call.instances.instance(self.canister)
        change = self._change(module, old)
        if self.call.done is not None:  # it ran on a copy: the old code is as it was
            new = self._replacement(old, change, module)
        else:
            before = old.snapshot()
            try:
                new = self._replacement(old, change, module)
            except BaseException:  # trapped, or interrupted
                old.restore(before)
                raise
            finally:
                before.close()
        self._adopt(*new)
        old.close()

    def _replacement(
        self, old: Instance, change: CodeChange, module: Module
    ) -> tuple[Instance, list[Completed]]:
        new, outcomes = self._checked(self._run(change, old), module)
        if change.leave is not None:
            self._apply(outcomes.pop(0), timer=False)
        return new, outcomes

    def _change(self, module: Module, old: Instance | None = None) -> CodeChange:
        """Return what has to run. Raises `ManagementReject` where Motoko's rules for its heap are broken."""
        keep = old is not None and self._keeps_heap(old.module, module)
        skip = self.options.get("skip_pre_upgrade")
        leaves = old is not None and not skip and "canister_pre_upgrade" in old.module.exports
        upgrade = self.kind == "upgrade"
        first = "canister_post_upgrade" if upgrade else "canister_init"
        # New code sees the canister as it will be: one version on, the timer off (also one that pre_upgrade set).
        new = {"version": self.canister.version + 1, "global_timer_ns": 0}
        return CodeChange(
            module=module,
            wasm=self.wasm,
            leave=self._environment(Mode.PRE_UPGRADE) if leaves else None,
            start=self._environment(Mode.START)._replace(**new),
            first=first if first in module.exports else "",
            begin=self._environment(Mode.POST_UPGRADE if upgrade else Mode.INIT, self.arg)._replace(**new),
            upgrade=upgrade,
            keep_heap=keep,
        )

    def _run(self, change: CodeChange, old: Instance | None) -> NewCode:
        """Run the code, unless that was done before. Raises `LongInstallation`."""
        call = self.call
        if call.done is not None:
            return call.done.get()
        try:
            return change.run(call.instances.engine, old, call.view.since, most=call.view.most)
        except SliceExhausted:
            raise LongInstallation(change) from None

    def _checked(self, done: NewCode, module: Module) -> tuple[Instance, list[Completed]]:
        """Return the new instance and the outcomes, after logging all. Raises `ManagementReject`."""
        try:
            outcomes = [self._check(outcome) for outcome in done.outcomes]
            self.instructions += done.page_weight
            memory = memory_with(self.canister, self._instance(done), module)
            self.reserve = check_growth(self.call, self.canister, memory)
        except BaseException:
            done.close()
            raise
        return done.take(), outcomes

    def _instance(self, done: NewCode) -> Instance:
        if done.invalid is not None:
            raise ManagementReject(refusals.invalid_wasm(self.canister.id, done.invalid.message))
        assert done.instance is not None, "bug: code that did not trap has an instance"
        return done.instance

    def _adopt(self, new: Instance, outcomes: list[Completed]) -> None:
        self.canister.global_timer_ns = 0
        self.instructions += new.commit().page_weight
        set_aside(self.canister, self.reserve)
        self.call.instances.put(self.canister.id, new)
        for outcome in outcomes:
            self._apply(outcome)

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

    def _apply(self, outcome: Completed, *, timer: bool = True) -> None:
        canister, wanted = self.canister, outcome.effects
        if wanted.certified_data is not None:
            canister.certified_data = wanted.certified_data
        if timer and wanted.global_timer_ns is not None:
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
