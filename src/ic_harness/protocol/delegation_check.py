"""Whether a chain of delegations, and what an identity's canister says of the sender, is signed as it must be.

Interface specification, "Authentication"; texts that tools look at are those of DFINITY's replica.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from ic_harness.errors import EnvelopeError
from ic_harness.protocol.delegation import MAX_LINKS, Permissions, SignedDelegation, check_form
from ic_harness.protocol.identity.canister_signature import read_canister_key
from ic_harness.protocol.identity.der import CANISTER, algorithm
from ic_harness.protocol.identity.verify import Trust, verify_signature
from ic_harness.protocol.request_id import domain
from ic_harness.units import SECOND

SENDER_INFO_DOMAIN: Final = domain(b"ic-sender-info")


def date_text(time_ns: int) -> str:
    """A time as DFINITY's replica writes it: `2021-05-06 19:17:10.000000003 UTC`, without a fraction if it is zero."""
    seconds, fraction = divmod(time_ns, SECOND)
    date = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    digits = f"{fraction:09}"
    while digits.endswith("000"):
        digits = digits[:-3]
    return f"{date:%Y-%m-%d %H:%M:%S}{'.' if digits else ''}{digits} UTC"


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
                f"{date_text(link.expiration)}, Current time: {date_text(trust.now_ns)}"
            )
        verify_signature(key, link.payload, link.signature, trust)
        key = link.pubkey
        if key in seen:
            raise EnvelopeError("Invalid delegation: the chain contains a cycle, a key occurs in it twice")
        seen.add(key)
    return key


def common_targets(chain: Iterable[SignedDelegation]) -> frozenset[bytes] | None:
    """The canisters that every link of a chain allows; None for any."""
    common: frozenset[bytes] | None = None
    for link in chain:
        targets = link.targets
        if targets is not None:
            common = targets if common is None else common & targets
    return common


def permissions(chain: Iterable[SignedDelegation]) -> Permissions:
    """What a chain allows: the least that one of its links does."""
    return "queries" if any(link.permissions == "queries" for link in chain) else "all"


def verify_sender_info(value: Any, key: bytes, trust: Trust) -> tuple[bytes, bytes]:
    """Check `sender_info`, attributes that an identity's canister signed; (info, signer), empty without.

    `key` is the sender's (DER). Raises `EnvelopeError`.
    """
    match value:
        case None:
            return b"", b""
        case {"info": bytes(info), "signer": bytes(signer), "sig": bytes(signature)}:
            pass
        case _:
            raise EnvelopeError("Invalid sender_info: expected `info`, `signer` and `sig`, byte strings")
    if algorithm(key) != CANISTER or read_canister_key(key)[0].raw != signer:
        raise EnvelopeError("Invalid sender_info: the signer is not the canister of the sender's key")
    verify_signature(key, SENDER_INFO_DOMAIN + info, signature, trust)
    return info, signer
