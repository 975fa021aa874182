"""Cycles: balances, what came with the call, what came back, what is burned and what things cost.

Interface specification, "Cycles" and "Cycle cost calculation". 128-bit amounts are written as 16 bytes,
little endian.
"""

from __future__ import annotations

from typing import Final

from ic_harness.principal import Principal
from ic_harness.replica.execution.frame import Frame
from ic_harness.replica.execution.traps import contract, trapped
from ic_harness.units import MAX_CYCLES

_MAX_64 = (1 << 64) - 1
CYCLES_MINTING_CANISTER: Final = bytes.fromhex("00000000000000040101")
"""The id of the only canister that creates cycles, rkp4c-7iaaa-aaaaa-aaaca-cai."""
_TOOLCHAIN: Final = (
    "If you are running this canister in a test environment (e.g., dfx), make sure the test environment is up to "
    "date. Otherwise, this is likely an error with the compiler/CDK toolchain being used to build the canister. "
    "Please report the error to IC devs on the forum: https://forum.dfinity.org and include which language/CDK "
    "was used to create the canister."
)


def _give(frame: Frame, address: int, amount: int) -> None:
    frame.write(address, min(amount, MAX_CYCLES).to_bytes(16, "little"))


def _small(amount: int) -> int:
    if amount > _MAX_64:
        raise trapped("cycles amount exceeds 64-bit representation")
    return amount


def _available(frame: Frame) -> int:
    """Cycles of the call that can still be accepted.

    None are left once an earlier message has answered. After an answer by the running message itself they can still
    be seen and accepted, as in DFINITY's replica: the refund is made when the message ends. (The specification says
    that they are gone as soon as the call is answered.)
    """
    return 0 if frame.env.answered else frame.env.cycles_available - frame.cycles_accepted


def _accept(frame: Frame, maximum: int) -> int:
    # What does not fit the balance any more stays with the call and goes back with its answer.
    taken = min(maximum, _available(frame), max(0, MAX_CYCLES - frame.balance))
    frame.cycles_accepted += taken
    return taken


def balance128(frame: Frame, address: int) -> None:
    """The canister's cycles."""
    _give(frame, address, frame.balance)


def balance(frame: Frame) -> int:
    """The canister's cycles; traps when they need more than 64 bits."""
    return _small(frame.balance)


def liquid_balance128(frame: Frame, address: int) -> None:
    """The cycles that the canister can spend without freezing."""
    _give(frame, address, frame.liquid_balance)


def available128(frame: Frame, address: int) -> None:
    """Cycles that came with the call and are not yet accepted."""
    _give(frame, address, _available(frame))


def available(frame: Frame) -> int:
    """The same with 64 bits; traps when they do not suffice."""
    return _small(_available(frame))


def refunded128(frame: Frame, address: int) -> None:
    """Cycles that came back with the response."""
    _give(frame, address, frame.env.cycles_refunded)


def refunded(frame: Frame) -> int:
    """The same with 64 bits; traps when they do not suffice."""
    return _small(frame.env.cycles_refunded)


def accept128(frame: Frame, high: int, low: int, address: int) -> None:
    """Take up to this many of the cycles that came with the call; writes how many were taken."""
    _give(frame, address, _accept(frame, high << 64 | low))


def accept(frame: Frame, maximum: int) -> int:
    """The same with 64 bits."""
    return _accept(frame, maximum)


def burn128(frame: Frame, high: int, low: int, address: int) -> None:
    """Destroy up to this many cycles, never below the freezing threshold; writes how many were destroyed."""
    burned = min(high << 64 | low, frame.liquid_balance)
    frame.cycles_burned += burned
    _give(frame, address, burned)


def mint128(frame: Frame, high: int, low: int, address: int) -> None:
    """Create cycles, as much as fits the balance; writes how many. Only the cycles minting canister may.

    Not in the interface specification: `ic0_mint_cycles128` of DFINITY's replica.
    """
    if frame.env.canister_id != CYCLES_MINTING_CANISTER:
        own, minting = Principal(frame.env.canister_id), Principal(CYCLES_MINTING_CANISTER)
        raise contract(
            f"ic0.mint_cycles128 cannot be executed on non Cycles Minting Canister: {own} != {minting}",
            _TOOLCHAIN,
        )
    minted = min(high << 64 | low, MAX_CYCLES - frame.balance)
    frame.cycles_minted += minted
    _give(frame, address, minted)


def cost_call(frame: Frame, method_name_size: int, payload_size: int, address: int) -> None:
    """What an inter-canister call of these sizes costs at most, beside the cycles attached."""
    _give(frame, address, frame.env.fees.call(method_name_size + payload_size, is_64=frame.is_64))


def cost_create_canister(frame: Frame, address: int) -> None:
    """What creating a canister costs."""
    _give(frame, address, frame.env.fees.create_canister)


def cost_http_request(frame: Frame, request_size: int, max_response_size: int, address: int) -> None:
    """What an HTTPS outcall of these sizes costs."""
    _give(frame, address, frame.env.fees.http_request(request_size, max_response_size))


def cost_sign_with_ecdsa(frame: Frame, name: int, size: int, curve: int, address: int) -> int:
    """What a signature costs; 0, or 1 for an unknown curve, 2 for an unknown key name."""
    return _key_cost(frame, frame.read(name, size), curve == 0, address)


def cost_sign_with_schnorr(frame: Frame, name: int, size: int, algorithm: int, address: int) -> int:
    """What a signature costs; 0, or 1 for an unknown algorithm, 2 for an unknown key name."""
    return _key_cost(frame, frame.read(name, size), algorithm in (0, 1), address)


def cost_vetkd_derive_key(frame: Frame, name: int, size: int, curve: int, address: int) -> int:
    """What deriving a key costs; 0, or 1 for an unknown curve, 2 for an unknown key name."""
    return _key_cost(frame, frame.read(name, size), curve == 0, address)


def _key_cost(frame: Frame, name: bytes, known: bool, address: int) -> int:  # noqa: FBT001
    if not known:
        return 1
    price = frame.env.fees.signature(name.decode(errors="replace"))
    if price is None:
        return 2
    _give(frame, address, price)
    return 0
