"""Stage "Wasm": the module is one that the network takes, and it installs."""

from __future__ import annotations

from typing import Final

from ic_harness.errors import RejectError
from ic_harness.networks import Capability
from ic_harness.replica import ModuleFacts, ModuleInvalid, inspect_module
from ic_harness.units import MIB, human_bytes

from .build import NO_ARGUMENT
from .run import GateRun
from .stage_log import StageLog

ONE_MESSAGE: Final = 2 * MIB
"""The largest ingress message: a module that fits installs in one call, others by way of the chunk store."""
_WASI: Final = "wasi_snapshot_preview1."
_SHOWN: Final = 6


def judge_wasm(run: GateRun, log: StageLog) -> None:
    """Check the module without running it, then install it into a new canister.

    Leaves the canister in `run.canister`. Raises `UnmetNeedError` when a running canister is judged, or when the
    network makes no canisters.
    """
    wasm = run.subject_wasm("nothing is installed")
    try:
        facts = inspect_module(wasm)
    except ModuleInvalid as error:
        log.fault(f"it is no Wasm module: {error.message}")
        return
    log.note(_size(facts))
    if facts.problem or facts.foreign:
        _tell_problem(facts, log)
        return
    log.note(f"{len(facts.imports)} imports, all of the system API; {len(facts.methods)} methods")
    run.facts = facts
    _install(run, log)


def _size(facts: ModuleFacts) -> str:
    size = human_bytes(facts.size)
    packed = f"{size} gzip, {human_bytes(facts.unpacked)} unpacked" if facts.compressed else size
    fits = "installs in one message" if facts.size < ONE_MESSAGE else "installs through the chunk store"
    return f"{packed}; {fits}"


def _tell_problem(facts: ModuleFacts, log: StageLog) -> None:
    if facts.foreign:
        shown = ", ".join(facts.foreign[:_SHOWN])
        more = f" and {len(facts.foreign) - _SHOWN} more" if len(facts.foreign) > _SHOWN else ""
        log.fault(f"it imports what no network offers: {shown}{more}. {_remedy(facts.foreign)}")
    else:
        log.fault(f"it is no canister module: {facts.problem}")


def _remedy(foreign: tuple[str, ...]) -> str:
    if any(name.startswith(_WASI) for name in foreign):
        return "Build for wasm32-unknown-unknown, or replace WASI by wasi2ic."
    if any(name.startswith("__wbindgen") for name in foreign):
        return "A dependency expects a browser: switch off its feature for JavaScript."
    return "Only functions of the module ic0 can be imported (interface specification, System API)."


def _install(run: GateRun, log: StageLog) -> None:
    run.sandbox.need(Capability.CREATE, "installing the build")
    try:
        run.canister = run.sandbox.install(run.request.subject)
    except RejectError as error:
        log.fault(f"it cannot be installed: {error.reject_message}")
        if run.request.subject.argument == NO_ARGUMENT and run.request.subject.init_types:
            log.note("its init takes arguments, and none were given: --argument '(…)'")
