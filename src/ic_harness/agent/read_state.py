"""Certified reads: state, metadata, keys of nodes. Uncertified: the status endpoint.

Interface specification, "Request: Read state" and "Status endpoint". No I/O: these are flows, see `effects`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ic_harness.agent import messages
from ic_harness.agent.effects import Flow, Send
from ic_harness.agent.messages import canister_path, content, error_context, exchange, retrying
from ic_harness.agent.retry import RetryPolicy
from ic_harness.agent.session import Session, Subnet
from ic_harness.agent.transport import Request, Response
from ic_harness.errors import CertificateError
from ic_harness.principal import Principal
from ic_harness.protocol import Certificate, Envelope, bls, list_children, seal, verify_query_signatures


def status(session: Session) -> Flow[dict[str, Any]]:
    """Read `/api/v2/status`. Raises a `CallError`."""

    def ask() -> Flow[Response]:
        return (yield from Send(Request("GET", "/api/v2/status")))

    return (yield from retrying(session, ask, messages.read_query_answer, session.retry))


def root_key(session: Session) -> Flow[bytes]:
    """The pinned root key, fetched at the first use when none was given. Raises `CertificateError`."""
    if session.root_key is not None:
        return session.root_key
    key = (yield from status(session)).get("root_key")
    if not isinstance(key, bytes):
        raise CertificateError("the network's status holds no root key: pass root_key to the agent")
    bls.der_decode(key)
    return session.pin(key)


def read_state(
    session: Session,
    paths: Sequence[Sequence[bytes]],
    target: Principal,
    policy: RetryPolicy | None = None,
) -> Flow[Certificate]:
    """Read paths of the state tree; the certificate is verified for the effective canister id `target`.

    Raises a `CallError`, `CborError` or `CertificateError`.
    """
    with error_context("read_state", target):
        key = yield from root_key(session)
        certificate = yield from _ask_state(session, paths, canister_path(target), policy or session.retry)
        certificate.verify(key, canister_id=target, now_ns=session.now())
        return certificate


def read_subnet_state(
    session: Session, paths: Sequence[Sequence[bytes]], subnet_id: Principal
) -> Flow[Certificate]:
    """Read paths of a subnet's own state, such as its metrics; the certificate is verified to be its own.

    Raises as `read_state` does.
    """
    with error_context("read_state", subnet_id):
        key = yield from root_key(session)
        certificate = yield from _ask_state(session, paths, f"subnet/{subnet_id}", session.retry)
        certificate.verify(key, canister_id=None, now_ns=session.now())
        if certificate.subnet_id(key) != subnet_id.raw:
            signer = Principal(certificate.subnet_id(key))
            raise CertificateError(
                f"the request went to subnet {subnet_id}, but subnet {signer} signed the response"
            )
        return certificate


def _ask_state(
    session: Session, paths: Sequence[Sequence[bytes]], where: str, policy: RetryPolicy
) -> Flow[Certificate]:
    """Fetch a certificate; it is not verified yet."""
    fields = content(session, session.now(), request_type="read_state", paths=[list(path) for path in paths])
    body = seal(fields, session.identity).to_cbor()
    return (
        yield from retrying(
            session, lambda: exchange(session, "read_state", where, body), messages.read_certificate, policy
        )
    )


def read_metadata(session: Session, canister_id: Principal, name: str) -> Flow[bytes | None]:
    """Read a metadata section of a canister, None when it is proven absent."""
    path = (b"canister", canister_id.raw, b"metadata", name.encode())
    certificate = yield from read_state(session, [path], canister_id)
    return certificate.lookup_value(path)


def read_subnet(session: Session, target: Principal) -> Flow[Subnet]:
    """Read the certified node keys of a canister's subnet, and cache them in the session."""
    certificate = yield from read_state(session, [(b"subnet",)], target)
    key = yield from root_key(session)
    subnet_id = certificate.subnet_id(key)
    nodes = (b"subnet", subnet_id, b"node")
    keys = {
        node: certificate.lookup_value((*nodes, node, b"public_key"))
        for node in list_children(certificate.tree, nodes)
    }
    subnet = Subnet(
        subnet_id,
        {node: node_key for node, node_key in keys.items() if node_key is not None},
        certificate.ranges_tree,
        session.now(),
    )
    # With a delegation the range was checked when the certificate was; the root subnet proves its own here.
    if not subnet.holds(target):
        raise CertificateError(
            f"canister {target} is not in the canister ranges of the subnet that responded"
        )
    session.remember(subnet)
    return subnet


def verify_query(
    session: Session, answer: dict[str, Any], envelope: Envelope, target: Principal
) -> Flow[None]:
    """Verify the node signatures of a query response. Raises `CertificateError`."""
    known = session.subnet_of(target)
    subnet = known or (yield from read_subnet(session, target))
    try:
        verify_query_signatures(answer, envelope.request_id, subnet.node_keys, now_ns=session.now())
    except CertificateError:
        if known is None:
            raise
        # A node may have joined after the keys were read: read them once more.
        subnet = yield from read_subnet(session, target)
        verify_query_signatures(answer, envelope.request_id, subnet.node_keys, now_ns=session.now())
