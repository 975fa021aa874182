"""Delegations: one key lets another sign in its place, until a time and perhaps for some canisters only.

Interface specification, "Authentication". This file makes, writes and checks the *form* of delegations;
whether a signature is valid is asked of `identity.verify`, so that nothing here knows a scheme.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, Protocol, TypeAlias

from ic_harness.errors import EnvelopeError, IdentityError
from ic_harness.lazy_dataclass import dataclass
from ic_harness.principal import Principal
from ic_harness.protocol.request_id import domain, hash_of_map
from ic_harness.text import brief, parse_json

DELEGATION_DOMAIN: Final = domain(b"ic-request-auth-delegation")

MAX_LINKS: Final = 20
"""Links in a chain that the replica accepts (the CDDL of the specification says 4)."""

MAX_TARGETS: Final = 1000
"""Canisters in one `targets` list, as in the replica."""

Permissions: TypeAlias = Literal["queries", "all"]
"""What a delegation allows: `queries` excludes calls."""

PERMISSIONS: Final = frozenset({"queries", "all"})


@dataclass(frozen=True, slots=True)
class SignedDelegation:
    """One link: the delegation map exactly as it was signed, and the signature by the previous key."""

    delegation: Mapping[str, Any]
    signature: bytes

    @property
    def pubkey(self) -> bytes:
        """The DER key that may sign from now on."""
        return bytes(self.delegation["pubkey"])

    @property
    def expiration(self) -> int:
        """The last moment at which the link is valid, ns since 1970."""
        return int(self.delegation["expiration"])

    @property
    def targets(self) -> frozenset[bytes] | None:
        """The canisters it is for (principals as bytes); None means all."""
        targets = self.delegation.get("targets")
        return None if targets is None else frozenset(targets)

    @property
    def permissions(self) -> Permissions:
        """`all`, or `queries` when calls are excluded."""
        return self.delegation.get("permissions") or "all"

    @property
    def payload(self) -> bytes:
        """What the previous key signs."""
        return DELEGATION_DOMAIN + hash_of_map(self.delegation)

    @classmethod
    def from_value(cls, value: Any) -> SignedDelegation:
        """Read a link of a decoded envelope. Raises `EnvelopeError`."""
        match value:
            case {"delegation": dict(delegation), "signature": bytes(signature)}:
                check_form(delegation)
                return cls(delegation, signature)
        raise EnvelopeError("Invalid delegation: expected a map with `delegation` and `signature`")

    def to_value(self) -> dict[str, Any]:
        """The map in an envelope."""
        return {"delegation": dict(self.delegation), "signature": self.signature}


def check_form(delegation: Mapping[str, Any]) -> None:
    """Check the types and limits of a delegation map. Raises `EnvelopeError`."""
    match delegation:
        case {"pubkey": bytes(), "expiration": int()}:
            pass
        case _:
            raise EnvelopeError("Invalid delegation: `pubkey` (bytes) and `expiration` (nat) are required")
    expiration = delegation["expiration"]
    if isinstance(expiration, bool) or not 0 <= expiration < 1 << 64:
        raise EnvelopeError("Invalid delegation: `expiration` is not a nat64 (ns since 1970)")
    targets = delegation.get("targets")
    if targets is not None:
        _check_targets(targets)
    permissions = delegation.get("permissions")
    if permissions is not None and not (isinstance(permissions, str) and permissions in PERMISSIONS):
        raise EnvelopeError(
            f"Invalid delegation: permissions {brief(permissions)} are neither `queries` nor `all`"
        )


def _check_targets(targets: Any) -> None:
    if not isinstance(targets, list | tuple) or not all(
        isinstance(target, bytes) and len(target) <= 29 for target in targets
    ):
        raise EnvelopeError("Invalid delegation: `targets` must be a list of principals")
    if len(targets) > MAX_TARGETS:
        raise EnvelopeError(
            f"Invalid delegation: {len(targets)} targets are given, at most {MAX_TARGETS} are allowed"
        )


class Signer(Protocol):
    """Signs payloads: any identity."""

    def sign(self, payload: bytes) -> bytes:
        """Sign bytes that already begin with a domain separator."""
        ...


def create_delegation(
    signer: Signer,
    pubkey_der: bytes,
    *,
    expiration_ns: int,
    targets: Sequence[Principal] | None = None,
    permissions: Permissions | None = None,
) -> SignedDelegation:
    """Let `pubkey_der` sign for `signer` until `expiration_ns`, optionally for some canisters only."""
    delegation: dict[str, Any] = {"pubkey": pubkey_der, "expiration": expiration_ns}
    if targets is not None:
        delegation["targets"] = [Principal.of(target).raw for target in targets]
    if permissions is not None:
        delegation["permissions"] = permissions
    check_form(delegation)
    unsigned = SignedDelegation(delegation, b"")
    return SignedDelegation(delegation, signer.sign(unsigned.payload))


def chain_to_json(public_key_der: bytes, chain: Sequence[SignedDelegation]) -> str:
    """Write a chain as the JavaScript libraries do: hexadecimal bytes, the expiration in hexadecimal ns."""
    links = []
    for link in chain:
        fields: dict[str, Any] = {"expiration": f"{link.expiration:x}", "pubkey": link.pubkey.hex()}
        if link.targets is not None:
            fields["targets"] = [bytes(target).hex() for target in link.delegation["targets"]]
        if link.delegation.get("permissions") is not None:
            fields["permissions"] = link.permissions
        links.append({"delegation": fields, "signature": link.signature.hex()})
    return json.dumps({"delegations": links, "publicKey": public_key_der.hex()})


def chain_from_json(text: str) -> tuple[bytes, tuple[SignedDelegation, ...]]:
    """Read the chain of `chain_to_json`: the first public key (DER) and the links.

    Raises `IdentityError` when the text is no such chain.
    """
    try:
        document = parse_json(text)
        links = tuple(_link_from_json(link) for link in document["delegations"])
        return bytes.fromhex(document["publicKey"]), links
    except EnvelopeError as problem:
        raise IdentityError(f"no delegation chain: {problem}") from None
    except (ValueError, KeyError, TypeError, AttributeError) as problem:
        raise IdentityError(
            f"no delegation chain (expected JSON with `delegations` and `publicKey`): {problem!r}"
        ) from None


def _link_from_json(link: Any) -> SignedDelegation:
    fields = link["delegation"]
    delegation: dict[str, Any] = {
        "pubkey": bytes.fromhex(fields["pubkey"]),
        "expiration": int(fields["expiration"], 16),
    }
    if fields.get("targets") is not None:
        delegation["targets"] = [bytes.fromhex(target) for target in fields["targets"]]
    if fields.get("permissions") is not None:
        delegation["permissions"] = fields["permissions"]
    check_form(delegation)
    return SignedDelegation(delegation, bytes.fromhex(link["signature"]))
