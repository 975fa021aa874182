"""Envelopes: the content of a request with its signature; made, encoded, and checked as the replica does.

Interface specification, "Authentication" and "Envelopes"; texts that tools look at are those of DFINITY's replica. The
content stays the map that was sent, unknown keys included, because the request id covers every field. Time and root key
are arguments.
"""

from __future__ import annotations

import functools
from dataclasses import field
from functools import cached_property
from typing import Any, Final

from ic_harness.errors import EnvelopeError
from ic_harness.lazy_dataclass import dataclass
from ic_harness.principal import ANONYMOUS, MAX_LENGTH, Principal
from ic_harness.protocol import cbor
from ic_harness.protocol.delegation import MAX_LINKS, Permissions, SignedDelegation
from ic_harness.protocol.delegation_check import (
    common_targets,
    date_text,
    permissions,
    verify_chain,
    verify_sender_info,
)
from ic_harness.protocol.identity.base import Identity
from ic_harness.protocol.identity.verify import Trust, verify_signature
from ic_harness.protocol.request_id import REQUEST_DOMAIN, RequestId, request_id
from ic_harness.text import brief
from ic_harness.units import MINUTE, SECOND

MAX_INGRESS_TTL: Final = 5 * MINUTE
PERMITTED_DRIFT: Final = 30 * SECOND
MAX_NONCE: Final = 32
MAX_PATHS: Final = 1000
MAX_LABELS: Final = 127
_SHOWN_KEY: Final = 256  # bytes; the longest known key, RSA-2048 of WebAuthn in DER, has about 300
_REMEMBERED_KEY: Final = 512
"""Longest key, in bytes, whose principal is cached: keys of megabytes would fill the memory."""

MAX_ENVELOPE_DEPTH: Final = 16
"""Nesting accepted in an envelope: delegations and paths need eight levels."""

MAX_ENVELOPE_ITEMS: Final = 200_000
"""Elements accepted in an envelope: 1,000 paths of 127 labels and 20 delegations for 1,000 canisters each."""


@dataclass(frozen=True)
class Envelope:
    """A request ready to send, or just received. `content` must not be changed any more.

    `sender_pubkey` (DER) and `sender_sig` are None for the anonymous sender.
    """

    content: dict[str, Any] = field(repr=False)
    sender_pubkey: bytes | None = None
    sender_sig: bytes | None = field(default=None, repr=False)
    sender_delegation: tuple[SignedDelegation, ...] = ()

    @cached_property
    def request_id(self) -> RequestId:
        """The hash of the content, 32 bytes; computed once."""
        return request_id(self.content)

    def to_cbor(self) -> bytes:
        """Write the envelope with the self-describing tag; a big argument is copied once."""
        fields: dict[str, Any] = {"content": self.content}
        if self.sender_pubkey is not None:
            fields["sender_pubkey"] = self.sender_pubkey
        if self.sender_sig is not None:
            fields["sender_sig"] = self.sender_sig
        if self.sender_delegation:
            fields["sender_delegation"] = [link.to_value() for link in self.sender_delegation]
        return cbor.encode(fields)

    @classmethod
    def from_cbor(cls, data: bytes) -> Envelope:
        """Read an envelope without checking signatures; null counts as absent, unknown keys are ignored.

        Raises `CborError`, or `EnvelopeError` with the sentence for the HTTP answer.
        """
        fields = cbor.decode(data, max_depth=MAX_ENVELOPE_DEPTH, max_items=MAX_ENVELOPE_ITEMS)
        if not isinstance(fields, dict):
            raise EnvelopeError("an envelope is a map")
        content = fields.get("content")
        if not isinstance(content, dict) or not _TEXT_ONLY.issuperset(map(type, content)):
            raise EnvelopeError("an envelope needs `content`, a map with text keys")
        if None in content.values():
            content = {key: value for key, value in content.items() if value is not None}
        for name in ("sender_pubkey", "sender_sig"):
            if not isinstance(fields.get(name, b""), bytes | None):
                raise EnvelopeError(f"`{name}` must be a byte string")
        chain = fields.get("sender_delegation")
        return cls(
            content,
            fields.get("sender_pubkey"),
            fields.get("sender_sig"),
            () if chain is None else _chain(chain),
        )


_TEXT_ONLY: Final[frozenset[type]] = frozenset({str})


def _chain(value: Any) -> tuple[SignedDelegation, ...]:
    if not isinstance(value, list):
        raise EnvelopeError("`sender_delegation` must be a list")
    if len(value) > MAX_LINKS:
        raise EnvelopeError(
            f"Invalid delegation: the chain has {len(value)} links, at most {MAX_LINKS} are allowed"
        )
    return tuple(SignedDelegation.from_value(link) for link in value)


def seal(content: dict[str, Any], identity: Identity) -> Envelope:
    """Sign a request content as `identity`; the content's `sender` must be the identity's principal.

    Raises `EnvelopeError` when it is not.
    """
    if content.get("sender") != identity.principal.raw:
        raise EnvelopeError(f"the content's sender is not {identity.principal}, the signer")
    if identity.public_key_der is None:
        return Envelope(content)
    identifier = request_id(content)
    envelope = Envelope(
        content, identity.public_key_der, identity.sign(REQUEST_DOMAIN + identifier), identity.delegations
    )
    # The id is known already; hashing 1.8 MB twice would cost a millisecond.
    envelope.__dict__["request_id"] = identifier
    return envelope


# -- checks ------------------------------------------------------------


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


def check_expiry(ingress_expiry: int, now_ns: int) -> None:
    """Check that a request has not expired and does not expire too late. Raises `EnvelopeError`.

    Anonymous queries and state readings are exempt: do not ask for those.
    """
    latest = now_ns + MAX_INGRESS_TTL + PERMITTED_DRIFT
    if not now_ns <= ingress_expiry <= latest:
        raise EnvelopeError(
            "Invalid request expiry: Specified ingress_expiry not within expected range: Minimum allowed "
            f"expiry: {date_text(now_ns)}, Maximum allowed expiry: {date_text(latest)}, Provided expiry: "
            f"{date_text(ingress_expiry)}"
        )


def verify_envelope(envelope: Envelope, *, now_ns: int, root_key: bytes | None = None) -> VerifiedSender:
    """Check form, sender, signature and delegations of a request; the expiry is left to `check_expiry`.

    `root_key` (DER) is what canister signatures are checked against. Raises `EnvelopeError`.
    """
    check_content(envelope.content)
    raw = envelope.content["sender"]
    if raw == ANONYMOUS:
        return _anonymous(envelope)
    key = envelope.sender_pubkey
    if key is None or envelope.sender_sig is None:
        raise EnvelopeError(f"Missing signature from user: {Principal(raw)}")
    sender = _sender_of(key) if len(key) <= _REMEMBERED_KEY else Principal.self_authenticating(key)
    if sender.raw != raw:
        raise EnvelopeError(
            f"The user id {Principal(raw)} does not match the public key {key[:_SHOWN_KEY].hex()}"
        )
    trust = Trust(root_key, now_ns)
    signing = verify_chain(key, envelope.sender_delegation, trust) if envelope.sender_delegation else key
    verify_signature(signing, REQUEST_DOMAIN + envelope.request_id, envelope.sender_sig, trust)
    verified = VerifiedSender(sender)
    if envelope.sender_delegation or "sender_info" in envelope.content:
        verified = VerifiedSender(
            sender,
            common_targets(envelope.sender_delegation),
            permissions(envelope.sender_delegation),
            *verify_sender_info(envelope.content.get("sender_info"), key, trust),
        )
        _check_reach(envelope.content, verified)
    return verified


def trust_envelope(envelope: Envelope) -> VerifiedSender:
    """Check the form of a request and take its sender as named, for test networks that trust everybody.

    Signatures and delegations may be missing and are not looked at; `sender_info` is not taken over. Raises
    `EnvelopeError`.
    """
    check_content(envelope.content)
    return VerifiedSender(Principal(envelope.content["sender"]))


@functools.lru_cache(maxsize=1024)
def _sender_of(public_key_der: bytes) -> Principal:
    """The principal of a key; cached, because users make many requests with the same key."""
    return Principal.self_authenticating(public_key_der)


def _anonymous(envelope: Envelope) -> VerifiedSender:
    if envelope.sender_pubkey is not None or envelope.sender_sig is not None or envelope.sender_delegation:
        raise EnvelopeError("Signature is not allowed for the anonymous user.")
    if "sender_info" in envelope.content:
        raise EnvelopeError("Invalid sender_info: not allowed for the anonymous user")
    return VerifiedSender(Principal.anonymous())


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
