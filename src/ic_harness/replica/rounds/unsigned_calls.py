"""Calls and queries in the name of anybody, without a signature, that are otherwise as those of users.

Only a test network can do this: the host is trusted. Such a call is in the state tree under its id, so that
`/request_status/<id>` shows its answer to its sender (interface specification, "Request status").
"""

from __future__ import annotations

from ic_harness.errors import RejectError
from ic_harness.lazy_dataclass import dataclass
from ic_harness.replica.rounds import ingress_filter, queries
from ic_harness.replica.rounds.nodes import Nodes
from ic_harness.replica.rounds.pending_update import PendingUpdate, data_of, error_of
from ic_harness.replica.rounds.round_state import IngressMessage
from ic_harness.replica.state.config import Subnet
from ic_harness.replica.state.replicated_state import Answer, FromUser, Rejected, Request, RequestRecord
from ic_harness.units import MINUTE

_KEEP = 5 * MINUTE
"""How long a call is known at least, ns: as long as one that a user signed may wait to begin."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnsignedCall:
    """A call or query; principals are bytes.

    `request_id` (32 bytes) names the call from now on and must be a new one. `effective_id` is the canister or subnet
    below which its status is read. `info` and `info_signer` are what `msg_caller_info_data` and
    `msg_caller_info_signer` return to the canister: nobody has to sign them.
    """

    request_id: bytes
    sender: bytes
    canister: bytes
    method: str
    arg: bytes
    effective_id: bytes
    info: bytes = b""
    info_signer: bytes = b""

    def request(self) -> Request:
        """The message that the canister gets."""
        return Request(
            origin=FromUser(self.request_id),
            caller=self.sender,
            callee=self.canister,
            method=self.method,
            arg=self.arg,
            caller_info=self.info,
            caller_info_signer=self.info_signer,
        )


def submit_unsigned(nodes: Nodes, subnet: Subnet, call: UnsignedCall) -> PendingUpdate:
    """Put a call into the next round of a subnet, without waiting.

    Raises `RejectError` when the ingress filter refuses it.
    """
    node = nodes.of(subnet)
    request = call.request()
    record = RequestRecord(
        sender=call.sender,
        effective_id=call.effective_id,
        canister=call.canister,
        forget_ns=node.clock.now_ns() + _KEEP,
    )
    # Without an expiry: it waits for its round for as long as the host wants, whatever time is set meanwhile.
    incoming = IngressMessage(request, record, subnet=subnet.id)
    refusal = ingress_filter.inspect(node, incoming)
    if refusal is not None:
        raise error_of(refusal, request)
    return PendingUpdate(node, request, node.runner.submit(incoming))


def query_unsigned(nodes: Nodes, subnet: Subnet, call: UnsignedCall) -> bytes:
    """Answer a query on a subnet. Raises `RejectError`."""
    request = call.request()
    return data_of(queries.execute(nodes.of(subnet), request), request)


@dataclass(frozen=True, slots=True)
class KnownCall:
    """A call that a round has taken; `answer` is None while it is processed."""

    sender: bytes
    answer: Answer | None

    @property
    def done(self) -> bool:
        """Whether the reply or reject is there."""
        return self.answer is not None

    def reply(self) -> bytes:
        """Return the reply. Raises `RejectError`; only for a call that is done."""
        assert self.answer is not None, "bug: the call is not answered"
        if isinstance(self.answer, Rejected):
            raise RejectError(self.answer.code, self.answer.message, self.answer.error_name)
        return self.answer.data


def known_call(nodes: Nodes, request_id: bytes) -> KnownCall | None:
    """Find a call by its id, signed or not; None for one that no round has taken, and for one of long ago."""
    for node in nodes.all:
        record = node.state.requests.get(request_id)
        if record is not None:
            return KnownCall(record.sender, record.answer)
    return None
