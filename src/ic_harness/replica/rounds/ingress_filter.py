"""The ingress filter: whether a user's call is accepted for a round.

Interface specification, "Ingress message inspection". Runs `canister_inspect_message` of the callee, or the
checks of the management canister; a rejected call leaves no trace.
"""

from __future__ import annotations

from ic_harness.replica import management
from ic_harness.replica.execution import Entry, Mode, ModuleInvalid, Trapped, trap_rejects
from ic_harness.replica.execution.frame import environment
from ic_harness.replica.rounds import charges
from ic_harness.replica.rounds.node import Node
from ic_harness.replica.rounds.reading import Reading
from ic_harness.replica.rounds.round_state import IngressMessage
from ic_harness.replica.state import rejects
from ic_harness.replica.state.config import INSPECT_INSTRUCTIONS
from ic_harness.replica.state.replicated_state import MANAGEMENT, Canister, Rejected, Request, Status


def inspect(node: Node, incoming: IngressMessage) -> Rejected | None:
    """Return why a call is rejected, or None when it is accepted."""
    unpaid = charges.ingress_refusal(node.state, node.subnet, incoming)
    refusal = unpaid or _inspect(node, incoming.request)
    if refusal is not None and node.watch is not None:
        node.watch.refused(node, incoming.request, refusal)
    return refusal


def _inspect(node: Node, request: Request) -> Rejected | None:
    if request.callee == MANAGEMENT:
        refusal = management.check_user_call(node.state, request)
        if refusal is None and request.method == "install_code":
            _compile_ahead(node, request)
        return refusal
    canister = node.state.canisters.get(request.callee)
    if canister is None:
        return rejects.canister_not_found(request.callee)
    if canister.status is Status.STOPPED:
        return rejects.stopped(canister.id)
    if canister.status is Status.STOPPING:
        return rejects.stopping(canister.id)
    if not canister.module_hash:
        return rejects.no_module()
    return _inspect_message(node, canister, request)


def _compile_ahead(node: Node, request: Request) -> None:
    """Compile before the round that installs, so that it does not keep others waiting."""
    try:
        node.run_read(lambda _: node.instances.compile(management.module_of(request)))
    except ModuleInvalid:
        return  # the installation will say so, certified


def _inspect_message(node: Node, canister: Canister, request: Request) -> Rejected | None:
    if "canister_inspect_message" not in node.instances.module(canister).exports:
        return None
    return node.run_read(lambda reading: _run_filter(node, canister, request, reading))


def _run_filter(node: Node, canister: Canister, request: Request, reading: Reading) -> Rejected | None:
    with node.instances.lock(canister.id):
        if not canister.installed:  # uninstalled since we looked
            return rejects.no_module()
        env = environment(
            canister,
            node.subnet,
            node.clock.now_ns(),
            Mode.INSPECT,
            caller=request.caller,
            arg=request.arg,
            method_name=request.method,
            caller_info=request.caller_info,
            caller_info_signer=request.caller_info_signer,
            instruction_limit=INSPECT_INSTRUCTIONS,
        )
        instance = node.instances.instance(canister)
        outcome = instance.run(Entry(export="canister_inspect_message"), env, reading.since)
        if isinstance(outcome, Trapped):
            return trap_rejects.trapped(canister.id, outcome)
        instance.rollback()
    return None if outcome.effects.accepted_message else rejects.message_not_accepted(canister.id)
