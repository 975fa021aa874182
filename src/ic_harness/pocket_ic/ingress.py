"""Calls of an instance's clients: where a call goes, how it is submitted, and what became of it.

A call is not signed; any sender may be named. `Ingress` keeps submitted calls by the message ids that it gives out.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from ic_harness import candid
from ic_harness.errors import RejectError
from ic_harness.lazy_dataclass import dataclass
from ic_harness.pocket_ic import fields
from ic_harness.pocket_ic.api_error import ApiError, bad_ingress
from ic_harness.pocket_ic.rejects import reject_json
from ic_harness.pocket_ic.subnets import Subnets
from ic_harness.principal import Principal
from ic_harness.protocol import Envelope, management_interface
from ic_harness.replica import (
    KnownCall,
    PendingUpdate,
    Replica,
    Subnet,
    SubnetKind,
    UnsignedCall,
    known_call,
    query_unsigned,
    submit_unsigned,
)
from ic_harness.units import MIB

MANAGEMENT: Final = b""
MAX_ROUNDS: Final = 100
"""Rounds in which a call that a client waits for must be answered."""
MAX_PAYLOAD: Final = 2 * MIB
MAX_NNS_PAYLOAD: Final = 7 * MIB // 2
"""Bytes of the argument of a call, in general and on the NNS subnet."""
_CREATE: Final = "provisional_create_canister_with_cycles"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A call as a client describes it, with principals as bytes."""

    sender: bytes
    canister: bytes
    method: str
    payload: bytes
    effective: tuple[str, bytes]
    sender_info: tuple[bytes, bytes]

    @classmethod
    def parse(cls, body: Any) -> Call:
        """Read the JSON form. Raises `ApiError`."""
        call = fields.record(body)
        return cls(
            sender=fields.principal(call, "sender"),
            canister=fields.principal(call, "canister_id"),
            method=fields.text(call, "method"),
            payload=fields.blob(call, "payload"),
            effective=_effective(call.get("effective_principal")),
            sender_info=_sender_info(call.get("sender_info")),
        )


@dataclass(frozen=True, slots=True)
class _Submitted:
    sender: bytes
    pending: PendingUpdate

    @property
    def done(self) -> bool:
        return self.pending.done

    def reply(self) -> bytes:
        return self.pending()


class Ingress:
    """The calls of one instance, also those that came signed. Used by one thread at a time."""

    def __init__(self, replica: Replica, subnets: Subnets) -> None:
        self._replica = replica
        self._subnets = subnets
        self._calls: dict[bytes, _Submitted] = {}
        self._numbers = itertools.count()

    def submit(self, body: Any) -> dict[str, Any]:
        """Submit a call without running a round; returns its id, or the reject of the ingress filter."""
        call = Call.parse(body)
        subnet = self._route(call)
        most = MAX_NNS_PAYLOAD if subnet.kind is SubnetKind.NNS else MAX_PAYLOAD
        if len(call.payload) > most:
            raise bad_ingress(
                f"The payload of the call has {len(call.payload)} bytes, at most {most} are allowed."
            )
        unsigned = self._unsigned(call, subnet)
        try:
            _check_specified_id(_specified(call), subnet)
            pending = submit_unsigned(self._replica.nodes, subnet, unsigned)
        except RejectError as rejected:
            return {"Err": reject_json(rejected, certified=False)}
        self._calls[unsigned.request_id] = _Submitted(call.sender, pending)
        return {
            "Ok": {
                "effective_principal": {"SubnetId": fields.to_base64(subnet.id)},
                "message_id": fields.to_base64(unsigned.request_id),
            }
        }

    def _unsigned(self, call: Call, subnet: Subnet) -> UnsignedCall:
        """The call with the id that it would have with a signature: a new one each time, the same in every run."""
        content = {
            "request_type": "call",
            "sender": call.sender,
            "nonce": next(self._numbers).to_bytes(8, "big"),
            "ingress_expiry": self._replica.round_time_ns,
            "canister_id": call.canister,
            "method_name": call.method,
            "arg": call.payload,
        }
        kind, effective = call.effective
        if call.canister != MANAGEMENT:
            effective = call.canister
        elif kind != "CanisterId":
            effective = _target(call) or subnet.id
        info, signer = call.sender_info
        return UnsignedCall(
            request_id=Envelope(content).request_id,
            sender=call.sender,
            canister=call.canister,
            method=call.method,
            arg=call.payload,
            effective_id=effective,
            info=info,
            info_signer=signer,
        )

    def wait(self, body: Any) -> dict[str, Any]:
        """Run rounds until a submitted call is answered, at most `MAX_ROUNDS`. Raises `ApiError`."""
        message_id, found = self._find(body)
        if found is None:
            raise bad_ingress(f"Unknown ingress message {message_id.hex()}.")
        for _ in range(MAX_ROUNDS):
            if found.done:
                break
            self._replica.tick()
            found = self._find(body)[1] or found
        if not found.done:
            raise bad_ingress(f"Failed to answer to ingress {message_id.hex()} after {MAX_ROUNDS} rounds.")
        return _result(found)

    def status(self, body: Any) -> dict[str, Any] | None:
        """The answer to a call; None while there is none. Raises `ApiError` 403 for the answer to another sender."""
        request = fields.record(body)
        _, found = self._find(request.get("raw_message_id"))
        caller = _caller(request.get("raw_caller"))
        if found is None or not found.done:
            return None
        if caller is not None and caller != found.sender:
            raise ApiError("The user tries to access Request ID not signed by the caller.", 403)
        return _result(found)

    def query(self, body: Any) -> dict[str, Any]:
        """Answer a query on the state of the last round."""
        call = Call.parse(body)
        subnet = self._route(call)
        try:
            reply = query_unsigned(self._replica.nodes, subnet, self._unsigned(call, subnet))
        except RejectError as rejected:
            return {"Err": reject_json(rejected, certified=False)}
        return {"Ok": fields.to_base64(reply)}

    def _find(self, body: Any) -> tuple[bytes, _Submitted | KnownCall | None]:
        """A call that was submitted here, or came by the interface of the Internet Computer, or before a restart."""
        message_id = fields.blob(fields.record(body, "the message id"), "message_id")
        return message_id, self._calls.get(message_id) or known_call(self._replica.nodes, message_id)

    # --- where a call goes ------------------------------------------------------------------------------------

    def _route(self, call: Call) -> Subnet:
        """The subnet that a call is for. Raises `ApiError` when there is none."""
        if call.canister != MANAGEMENT:
            return self._hosting(call.canister)
        kind, principal = call.effective
        if kind == "SubnetId":
            subnet = self._subnets.find(principal)
            if subnet is None:
                raise bad_ingress(f"Subnet {Principal(principal)} does not exist.")
            return subnet
        wanted = _specified(call)
        if wanted is not None:
            return self.subnet_for_new(wanted)
        if kind == "CanisterId":
            return self._hosting(principal)
        target = _target(call)
        return self._subnets.default if target is None else self._hosting(target)

    def _hosting(self, canister_id: bytes) -> Subnet:
        subnet = self._subnets.of_canister(canister_id)
        if subnet is None:
            raise bad_ingress(f"Canister {Principal(canister_id)} does not belong to any subnet.")
        return subnet

    def subnet_for_new(self, canister_id: bytes) -> Subnet:
        """Return the subnet for a canister to create, which is added for ids of mainnet. Raises `ApiError`."""
        found = self._subnets.of_canister(canister_id)
        if found is not None:
            return found
        try:
            return self._subnets.make_mainnet_subnet(canister_id)
        except ApiError as problem:
            raise bad_ingress(str(problem)) from None


def _effective(value: Any) -> tuple[str, bytes]:
    if value is None or value == "None":
        return "None", b""
    found = fields.record(value, "`effective_principal`")
    for kind in ("CanisterId", "SubnetId"):
        if kind in found:
            return kind, fields.principal(found, kind)
    raise ApiError('`effective_principal` must be "None", {"CanisterId": …} or {"SubnetId": …}')


def _sender_info(value: Any) -> tuple[bytes, bytes]:
    """What canisters may ask about the sender: the data and the canister that signed them, which is not checked."""
    if value is None:
        return b"", b""
    info = fields.record(value, "`sender_info`")
    return fields.blob(info, "info"), fields.blob(info, "signer")


def _caller(value: Any) -> bytes | None:
    """The caller of a status request: an object, or bare base64 as pic-js sends it."""
    if value is None:
        return None
    named = value if isinstance(value, dict) else {"principal_id": value}
    return fields.principal(named, "principal_id")


def _result(call: _Submitted | KnownCall) -> dict[str, Any]:
    try:
        return {"Ok": fields.to_base64(call.reply())}
    except RejectError as rejected:
        return {"Err": reject_json(rejected, certified=True)}


@cache
def _methods() -> Mapping[str, candid.Method]:
    return candid.parse(management_interface()).methods


def _argument(call: Call) -> Mapping[str, Any]:
    """The record that a management call has as its argument; empty where the replica will refuse it."""
    method = _methods().get(call.method)
    if method is None:
        return {}
    try:
        values = candid.decode(call.payload, method.arg_types)
    except candid.CandidError:
        return {}
    return values[0] if values and isinstance(values[0], dict) else {}


def _check_specified_id(wanted: bytes | None, subnet: Subnet) -> None:
    """Raise `RejectError` for an id of the range in which the subnet allocates ids itself."""
    low, high = subnet.ranges[-1]
    if wanted is not None and low <= wanted <= high:
        raise RejectError(
            4,
            f"The `specified_id` {Principal(wanted)} is invalid because it belongs to the canister allocation ranges "
            "of the test environment.\nUse a `specified_id` that matches a canister ID on the ICP mainnet and a test "
            "environment that supports canister creation with `specified_id` (e.g., PocketIC).",
            "IC0405",
        )


def _specified(call: Call) -> bytes | None:
    if call.method != _CREATE:
        return None
    wanted = _argument(call).get("specified_id")
    return None if wanted is None else bytes(wanted.raw)


def _target(call: Call) -> bytes | None:
    """The canister that a management call is about."""
    argument = _argument(call)
    found = argument.get("canister_id", argument.get("target_canister"))
    return bytes(found.raw) if isinstance(found, Principal) else None
