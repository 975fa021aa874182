"""The methods of the management canister as a table: permission, the canister that is concerned, handler.

Interface specification, "The IC management canister". Users' calls pass `check_user_call` before they are
accepted (uncertified rejects); everything is checked again when it is executed.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import Any, Final

from ic_harness.lazy_dataclass import dataclass
from ic_harness.replica.execution import Interrupted
from ic_harness.replica.execution.interruption import LOG
from ic_harness.replica.management import refusals, settings
from ic_harness.replica.management.call import (
    Call,
    Deferred,
    InstallationEnd,
    LongInstallation,
    ManagementReject,
    RoundView,
    decode,
    encode,
)
from ic_harness.replica.management.effects import ManagementEffects
from ic_harness.replica.state import rejects
from ic_harness.replica.state.output_queue import ResponseOut
from ic_harness.replica.state.replicated_state import (
    Canister,
    FromCanister,
    Rejected,
    ReplicatedState,
    Replied,
    Request,
)

Handler = Callable[[Call], "tuple[Any, ...] | Deferred"]


class Permission(enum.Enum):
    """The callers that a method accepts."""

    ANYONE = enum.auto()
    CONTROLLERS = enum.auto()
    CONTROLLERS_AND_SELF = enum.auto()
    CANISTERS = enum.auto()
    STATUS_VIEWERS = enum.auto()
    SNAPSHOT_VIEWERS = enum.auto()
    LOG_VIEWERS = enum.auto()


@dataclass(frozen=True, slots=True)
class Method:
    """One method: who may call it, the function that executes it, and which canister it concerns.

    `function` names the function and its module in this package. `canister_field` is the field of the argument that
    holds the canister.
    """

    permission: Permission
    function: str
    canister_field: str | None = "canister_id"


@cache
def load_handler(method: Method) -> Handler:
    """Return the function of `method`. Its module is loaded at the first call: most programs call five methods."""
    module, function = method.function.split(".")
    handler: Handler = getattr(import_module(f"{__package__}.{module}"), function)
    return handler


METHODS: Final[dict[str, Method]] = {
    "create_canister": Method(Permission.CANISTERS, "lifecycle.create_canister", None),
    "provisional_create_canister_with_cycles": Method(
        Permission.ANYONE, "lifecycle.provisional_create", None
    ),
    "provisional_top_up_canister": Method(Permission.ANYONE, "cycles.provisional_top_up"),
    "install_code": Method(Permission.CONTROLLERS, "code.install_code"),
    "install_chunked_code": Method(Permission.CONTROLLERS, "chunks.install_chunked_code", "target_canister"),
    "upload_chunk": Method(Permission.CONTROLLERS_AND_SELF, "chunks.upload_chunk"),
    "stored_chunks": Method(Permission.CONTROLLERS_AND_SELF, "chunks.stored_chunks"),
    "clear_chunk_store": Method(Permission.CONTROLLERS_AND_SELF, "chunks.clear_chunk_store"),
    "uninstall_code": Method(Permission.CONTROLLERS, "code.uninstall_code"),
    "update_settings": Method(Permission.CONTROLLERS, "settings.update_settings"),
    "start_canister": Method(Permission.CONTROLLERS, "lifecycle.start_canister"),
    "stop_canister": Method(Permission.CONTROLLERS, "lifecycle.stop_canister"),
    "delete_canister": Method(Permission.CONTROLLERS, "lifecycle.delete_canister"),
    "canister_status": Method(Permission.STATUS_VIEWERS, "status.canister_status"),
    "canister_info": Method(Permission.CANISTERS, "status.canister_info"),
    "canister_metadata": Method(Permission.CANISTERS, "status.canister_metadata"),
    "deposit_cycles": Method(Permission.CANISTERS, "cycles.deposit_cycles"),
    "raw_rand": Method(Permission.CANISTERS, "cycles.raw_rand", None),
    "http_request": Method(Permission.CANISTERS, "outcalls.http_request", None),
    "flexible_http_request": Method(Permission.CANISTERS, "outcalls.flexible_http_request", None),
    "bitcoin_get_balance": Method(Permission.CANISTERS, "bitcoin.get_balance", None),
    "bitcoin_get_utxos": Method(Permission.CANISTERS, "bitcoin.get_utxos", None),
    "bitcoin_get_current_fee_percentiles": Method(Permission.CANISTERS, "bitcoin.get_fee_percentiles", None),
    "bitcoin_get_block_headers": Method(Permission.CANISTERS, "bitcoin.get_block_headers", None),
    "bitcoin_send_transaction": Method(Permission.CANISTERS, "bitcoin.send_transaction", None),
    "ecdsa_public_key": Method(Permission.CANISTERS, "threshold.ecdsa_public_key", None),
    "sign_with_ecdsa": Method(Permission.CANISTERS, "threshold.sign_with_ecdsa", None),
    "schnorr_public_key": Method(Permission.CANISTERS, "threshold.schnorr_public_key", None),
    "sign_with_schnorr": Method(Permission.CANISTERS, "threshold.sign_with_schnorr", None),
    "vetkd_public_key": Method(Permission.CANISTERS, "threshold.vetkd_public_key", None),
    "vetkd_derive_key": Method(Permission.CANISTERS, "threshold.vetkd_derive_key", None),
    "fetch_canister_logs": Method(Permission.LOG_VIEWERS, "status.fetch_canister_logs"),
    "take_canister_snapshot": Method(Permission.CONTROLLERS, "snapshots.take_snapshot"),
    "load_canister_snapshot": Method(Permission.CONTROLLERS, "snapshots.load_snapshot"),
    "list_canister_snapshots": Method(Permission.SNAPSHOT_VIEWERS, "snapshots.list_snapshots"),
    "delete_canister_snapshot": Method(Permission.CONTROLLERS, "snapshots.delete_snapshot"),
    "read_canister_snapshot_metadata": Method(Permission.SNAPSHOT_VIEWERS, "snapshot_data.read_metadata"),
    "read_canister_snapshot_data": Method(Permission.SNAPSHOT_VIEWERS, "snapshot_data.read_data"),
    "upload_canister_snapshot_metadata": Method(Permission.CONTROLLERS, "snapshot_upload.upload_metadata"),
    "upload_canister_snapshot_data": Method(Permission.CONTROLLERS, "snapshot_upload.upload_data"),
    "canister_metrics": Method(Permission.CONTROLLERS, "subnet.canister_metrics"),
    "subnet_info": Method(Permission.CANISTERS, "subnet.subnet_info", None),
    "node_metrics_history": Method(Permission.CANISTERS, "subnet.node_metrics_history", None),
    "rename_canister": Method(Permission.CONTROLLERS, "subnet.rename_canister"),
}
"""Every method that is executed."""

INSTALLING: Final = frozenset({"install_code", "install_chunked_code"})
"""The methods of which a subnet executes one at a time, where that takes several rounds."""

NOT_MODELLED: Final[dict[str, str]] = {}
"""Methods of the specification that are refused by name, each with what is missing."""


class ManagementCanister:
    """Executes management calls for the scheduler."""

    def execute(
        self, view: RoundView, request: Request, done: InstallationEnd | None = None
    ) -> ManagementEffects:
        """Execute one call and return its effects; a rejected call changes nothing and gets all its cycles back.

        `done` is what the code of a long installation did meanwhile; its instance is taken or closed.
        """
        effects = ManagementEffects()
        try:
            _execute(_prepare(view, request, effects, done))
        except ManagementReject as refused:
            if done is not None:
                done.close()
            effects.reject(request, refused.answer)
        except LongInstallation as longer:
            effects.discard_outputs()
            effects.complete, effects.longer = False, longer.change
        except Interrupted:
            effects.discard_outputs()
            effects.complete = False
        except Exception as problem:  # noqa: BLE001  it must cost one message, not the network
            LOG.exception("%s of the management canister failed inside the replica", request.method)
            if done is not None:
                done.close()
            effects.discard_outputs()
            effects.reject(request, rejects.internal(problem))
        return effects


def _execute(call: Call) -> None:
    request = call.request
    values = load_handler(METHODS[request.method])(call)
    if not isinstance(values, Deferred):
        reply = Replied(encode(request.method, values))
        call.effects.outputs.append(ResponseOut(request.origin, reply, call.cycles))


def _prepare(
    view: RoundView, request: Request, effects: ManagementEffects, done: InstallationEnd | None
) -> Call:
    """Decode a call and check that its caller may make it. Raises `ManagementReject`."""
    method = _find(request.method)
    if method.permission is Permission.CANISTERS and not isinstance(request.origin, FromCanister):
        raise ManagementReject(refusals.only_canisters(request.method))
    if method.permission is Permission.LOG_VIEWERS and not isinstance(request.origin, FromCanister):
        raise ManagementReject(refusals.logs_by_update())
    call = Call(view, request, decode(request.method, request.arg), effects, request.cycles, done)
    _check_permission(method, request, call.argument, view.state)
    return call


def _find(name: str) -> Method:
    """Find a method. Raises `ManagementReject` for those that do not exist or are not modelled."""
    method = METHODS.get(name)
    if method is None:
        if name in NOT_MODELLED:
            raise ManagementReject(refusals.not_modelled(name, NOT_MODELLED[name]))
        raise ManagementReject(refusals.unknown_method(name))
    return method


def _check_permission(method: Method, request: Request, argument: Any, state: ReplicatedState) -> None:
    if method.canister_field is None:
        return
    canister_id = argument[method.canister_field].raw
    canister = state.canisters.get(canister_id)
    from_canister = isinstance(request.origin, FromCanister)
    if canister is None:
        missing = refusals.canister_not_found if from_canister else rejects.canister_not_found
        raise ManagementReject(missing(canister_id))
    if _permitted(method.permission, request.caller, canister):
        return
    if from_canister:
        controllers = canister.settings.controllers
        raise ManagementReject(refusals.invalid_controller(canister_id, controllers, request.caller))
    raise ManagementReject(refusals.not_controller(canister_id, request.method))


def _permitted(permission: Permission, caller: bytes, canister: Canister) -> bool:
    controllers = canister.settings.controllers
    match permission:
        case Permission.CONTROLLERS:
            return caller in controllers
        case Permission.CONTROLLERS_AND_SELF:
            return caller in controllers or caller == canister.id
        case Permission.STATUS_VIEWERS:
            viewers = canister.settings.status_visibility
        case Permission.SNAPSHOT_VIEWERS:
            viewers = canister.settings.snapshot_visibility
        case _:
            return True
    return caller == canister.id or settings.may_view(viewers, caller, controllers)


def check_user_call(state: ReplicatedState, request: Request) -> Rejected | None:
    """What the ingress filter says to a user's management call: a reject, or None to let it through."""
    try:
        method = _find(request.method)
        if method.permission is Permission.CANISTERS:
            return refusals.only_canisters(request.method)
        if method.permission is Permission.LOG_VIEWERS:
            return refusals.logs_by_update()
        _check_permission(method, request, decode(request.method, request.arg), state)
    except ManagementReject as refused:
        return refused.answer
    return None


def effective_canister(request: Request) -> bytes | None:
    """The canister whose id must be in the URL; None when any id of the subnet will do.

    Raises `ManagementReject` when the argument cannot be read.
    """
    method = METHODS.get(request.method)
    if method is None or method.canister_field is None:
        return None
    found: bytes = decode(request.method, request.arg)[method.canister_field].raw
    return found


def specified_id(request: Request) -> bytes | None:
    """The id that the creation of a canister asks for; None where any will do. Raises `ManagementReject`."""
    if request.method != "provisional_create_canister_with_cycles":
        return None
    wanted = decode(request.method, request.arg).get("specified_id")
    return None if wanted is None else bytes(wanted.raw)


def module_of(request: Request) -> bytes:
    """The module in the argument of a checked install_code call."""
    wasm: bytes = decode(request.method, request.arg)["wasm_module"]
    return wasm
