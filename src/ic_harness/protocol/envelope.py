"""Envelopes: the content of a request with its signature.

Interface specification, "Authentication" and "Envelopes". The content stays the map that was sent, unknown
keys included, because the request id covers every field. Checking is in `envelope_check`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

from ic_harness.errors import EnvelopeError
from ic_harness.protocol import cbor
from ic_harness.protocol.delegation import MAX_LINKS, SignedDelegation
from ic_harness.protocol.identity.base import Identity
from ic_harness.protocol.request_id import REQUEST_DOMAIN, RequestId, request_id

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
