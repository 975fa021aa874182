"""Authentication of requests by the replica: content, sender, signature, delegations, expiry.

Interface specification, "Authentication"; texts that tools look at are those of DFINITY's replica. Time and
root key are arguments.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from ic_harness.errors import EnvelopeError
from ic_harness.principal import MAX_LENGTH, Principal
from ic_harness.protocol.delegation import MAX_LINKS, Permissions, SignedDelegation, check_form
from ic_harness.protocol.envelope import Envelope
from ic_harness.protocol.identity.canister_signature import read_canister_key
from ic_harness.protocol.identity.der import CANISTER, algorithm
from ic_harness.protocol.identity.verify import Trust, verify_signature
from ic_harness.protocol.request_id import REQUEST_DOMAIN, domain
from ic_harness.text import brief
from ic_harness.units import MINUTE, SECOND

MAX_INGRESS_TTL: Final = 5 * MINUTE
PERMITTED_DRIFT: Final = 30 * SECOND
MAX_NONCE: Final = 32
MAX_PATHS: Final = 1000
MAX_LABELS: Final = 127
_SHOWN_KEY: Final = 256  # bytes; the longest known key, RSA-2048 of WebAuthn in DER, has about 300
SENDER_INFO_DOMAIN: Final = domain(b"ic-sender-info")


@dataclass(frozen=True, slots=True)
class VerifiedSender:
    """The authenticated sender of a request, and what the delegations allow.

    `targets` is None without restriction; `permissions` is `all` or `queries`; `info` and `info_signer` are
    the attributes of `sender_info`, empty without it.
    """

    principal: Principal
    targets: frozenset[bytes] | None = None
    permissions: Permissions = "all"
    info: bytes = b""
    info_signer: bytes = b""

    def may_reach(self, canister_id: bytes) -> bool:
        """Whether the delegations allow requests to this canister."""
        return self.targets is None or canister_id in self.targets


def _date(time_ns: int) -> str:
    """A time as DFINITY's replica writes it: `2021-05-06 19:17:10.000000003 UTC`, without a fraction if it is zero."""
    seconds, fraction = divmod(time_ns, SECOND)
    date = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    digits = f"{fraction:09}"
    while digits.endswith("000"):
        digits = digits[:-3]
    return f"{date:%Y-%m-%d %H:%M:%S}{'.' if digits else ''}{digits} UTC"


def check_expiry(ingress_expiry: int, now_ns: int) -> None:
    """Check that a request has not expired and does not expire too late. Raises `EnvelopeError`.

    Anonymous queries and state readings are exempt: do not ask for those.
    """
    latest = now_ns + MAX_INGRESS_TTL + PERMITTED_DRIFT
    if not now_ns <= ingress_expiry <= latest:
        raise EnvelopeError(
            "Invalid request expiry: Specified ingress_expiry not within expected range: Minimum allowed "
            f"expiry: {_date(now_ns)}, Maximum allowed expiry: {_date(latest)}, Provided expiry: "
            f"{_date(ingress_expiry)}"
        )


def verify_envelope(envelope: Envelope, *, now_ns: int, root_key: bytes | None = None) -> VerifiedSender:
    """Check form, sender, signature and delegations of a request; the expiry is left to `check_expiry`.

    `root_key` (DER) is what canister signatures are checked against. Raises `EnvelopeError`.
    """
    check_content(envelope.content)
    sender = Principal(envelope.content["sender"])
    if sender.is_anonymous:
        return _anonymous(envelope, sender)
    if envelope.sender_pubkey is None or envelope.sender_sig is None:
        raise EnvelopeError(f"Missing signature from user: {sender}")
    if Principal.self_authenticating(envelope.sender_pubkey) != sender:
        raise EnvelopeError(
            f"The user id {sender} does not match the public key {envelope.sender_pubkey[:_SHOWN_KEY].hex()}"
        )
    trust = Trust(root_key, now_ns)
    key = envelope.sender_pubkey
    if envelope.sender_delegation:
        key = verify_chain(key, envelope.sender_delegation, trust)
    verify_signature(key, REQUEST_DOMAIN + envelope.request_id, envelope.sender_sig, trust)
    verified = VerifiedSender(sender)
    if envelope.sender_delegation or "sender_info" in envelope.content:
        verified = VerifiedSender(
            sender,
            _common_targets(envelope.sender_delegation),
            _permissions(envelope.sender_delegation),
            *_sender_info(envelope, trust),
        )
        _check_reach(envelope.content, verified)
    return verified


def _anonymous(envelope: Envelope, sender: Principal) -> VerifiedSender:
    if envelope.sender_pubkey is not None or envelope.sender_sig is not None or envelope.sender_delegation:
        raise EnvelopeError("Signature is not allowed for the anonymous user.")
    if "sender_info" in envelope.content:
        raise EnvelopeError("Invalid sender_info: not allowed for the anonymous user")
    return VerifiedSender(sender)


_FIELDS: Final[dict[str, dict[str, type]]] = {
    "call": {"canister_id": bytes, "method_name": str, "arg": bytes},
    "query": {"canister_id": bytes, "method_name": str, "arg": bytes},
    "read_state": {"paths": list},
}
_COMMON_FIELDS: Final = {"sender": bytes, "ingress_expiry": int}


def check_content(content: dict[str, Any]) -> None:
    """Check that a content map has the fields of its request type, in their limits.

    Raises `EnvelopeError`.
    """
    kind = content.get("request_type")
    fields = _FIELDS.get(kind) if isinstance(kind, str) else None
    if fields is None:
        raise EnvelopeError(f"Invalid request: request_type {brief(kind)} is none of call, query, read_state")
    for name, wanted in (_COMMON_FIELDS | fields).items():
        value = content.get(name)
        if not isinstance(value, wanted) or isinstance(value, bool):
            raise EnvelopeError(
                f"Invalid request: `{name}` must be {wanted.__name__}, got {type(value).__name__}"
            )
    _check_limits(content)


def _check_limits(content: dict[str, Any]) -> None:
    for name in ("sender", "canister_id"):
        if len(content.get(name, b"")) > MAX_LENGTH:
            raise EnvelopeError(f"Invalid request: `{name}` is longer than {MAX_LENGTH} bytes")
    if not 0 <= content["ingress_expiry"] < 1 << 64:
        raise EnvelopeError("Invalid request: `ingress_expiry` is not a nat64")
    nonce = content.get("nonce", b"")
    if not isinstance(nonce, bytes) or len(nonce) > MAX_NONCE:
        raise EnvelopeError(f"Invalid request: `nonce` must be at most {MAX_NONCE} bytes")
    if "paths" in content:
        _check_paths(content["paths"])


def _check_paths(paths: Any) -> None:
    if not isinstance(paths, list):
        raise EnvelopeError("Invalid request: `paths` is a list of paths")
    if len(paths) > MAX_PATHS:
        raise EnvelopeError(f"Invalid request: {len(paths)} paths, at most {MAX_PATHS} are allowed")
    for path in paths:
        if not isinstance(path, list) or not all(isinstance(label, bytes) for label in path):
            raise EnvelopeError("Invalid request: a path is a list of byte strings")
        if len(path) > MAX_LABELS:
            raise EnvelopeError(
                f"Invalid request: a path of {len(path)} labels, at most {MAX_LABELS} are allowed"
            )


def verify_chain(public_key_der: bytes, chain: tuple[SignedDelegation, ...], trust: Trust) -> bytes:
    """Verify a chain of delegations from its first key; returns the key that signs the request (DER).

    Raises `EnvelopeError`.
    """
    if len(chain) > MAX_LINKS:
        raise EnvelopeError(f"Invalid delegation: the chain has {len(chain)} links, at most {MAX_LINKS}")
    seen = {public_key_der}
    key = public_key_der
    for link in chain:
        check_form(link.delegation)
        if link.expiration < trust.now_ns:
            raise EnvelopeError(
                f"Invalid delegation expiry: Specified sender delegation has expired: Provided expiry: "
                f"{_date(link.expiration)}, Current time: {_date(trust.now_ns)}"
            )
        verify_signature(key, link.payload, link.signature, trust)
        key = link.pubkey
        if key in seen:
            raise EnvelopeError("Invalid delegation: the chain contains a cycle, a key occurs in it twice")
        seen.add(key)
    return key


def _common_targets(chain: Iterable[SignedDelegation]) -> frozenset[bytes] | None:
    common: frozenset[bytes] | None = None
    for link in chain:
        targets = link.targets
        if targets is not None:
            common = targets if common is None else common & targets
    return common


def _permissions(chain: Iterable[SignedDelegation]) -> Permissions:
    return "queries" if any(link.permissions == "queries" for link in chain) else "all"


def _check_reach(content: dict[str, Any], sender: VerifiedSender) -> None:
    """Apply targets and permissions to calls and queries.

    For state readings the request decides elsewhere.
    """
    if content["request_type"] == "call" and sender.permissions == "queries":
        raise EnvelopeError("Invalid delegation: its permissions allow queries only")
    if content["request_type"] != "read_state" and not sender.may_reach(content["canister_id"]):
        raise EnvelopeError(
            f"Invalid delegation: canister {Principal(content['canister_id'])} is not one of its targets"
        )


def _sender_info(envelope: Envelope, trust: Trust) -> tuple[bytes, bytes]:
    """Check `sender_info`, attributes that an identity's canister signed; (info, signer), empty without."""
    match envelope.content.get("sender_info"):
        case None:
            return b"", b""
        case {"info": bytes(info), "signer": bytes(signer), "sig": bytes(signature)}:
            pass
        case _:
            raise EnvelopeError("Invalid sender_info: expected `info`, `signer` and `sig`, byte strings")
    key = envelope.sender_pubkey or b""
    if algorithm(key) != CANISTER or read_canister_key(key)[0].raw != signer:
        raise EnvelopeError("Invalid sender_info: the signer is not the canister of the sender's key")
    verify_signature(key, SENDER_INFO_DOMAIN + info, signature, trust)
    return info, signer
