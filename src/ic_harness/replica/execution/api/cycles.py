"""Cycles: balances, what came with the call, what came back, what is burned and what things cost.

Interface specification, "Cycles" and "Cycle cost calculation". 128-bit amounts are written as 16 bytes,
little endian.
"""

from __future__ import annotations

from ic_harness.replica.execution.frame import Frame
from ic_harness.replica.execution.traps import trapped
from ic_harness.units import MAX_CYCLES

from . import prices

_MAX_64 = (1 << 64) - 1


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


def cost_call(frame: Frame, method_name_size: int, payload_size: int, address: int) -> None:
    """What an inter-canister call of these sizes costs at most, beside the cycles attached."""
    _give(frame, address, prices.call(method_name_size + payload_size))


def cost_create_canister(frame: Frame, address: int) -> None:
    """What creating a canister costs."""
    _give(frame, address, prices.CREATE_CANISTER)


def cost_http_request(frame: Frame, request_size: int, max_response_size: int, address: int) -> None:
    """What an HTTPS outcall of these sizes costs."""
    _give(frame, address, prices.http_request(request_size, max_response_size, frame.env.nodes))


def cost_sign_with_ecdsa(frame: Frame, name: int, size: int, curve: int, address: int) -> int:
    """What a signature costs; 0, or 1 for an unknown curve, 2 for an unknown key name."""
    return _key_cost(frame, frame.read(name, size), curve == 0, address, prices.SIGN_WITH_ECDSA)


def cost_sign_with_schnorr(frame: Frame, name: int, size: int, algorithm: int, address: int) -> int:
    """What a signature costs; 0, or 1 for an unknown algorithm, 2 for an unknown key name."""
    return _key_cost(frame, frame.read(name, size), algorithm in (0, 1), address, prices.SIGN_WITH_SCHNORR)


def cost_vetkd_derive_key(frame: Frame, name: int, size: int, curve: int, address: int) -> int:
    """What deriving a key costs; 0, or 1 for an unknown curve, 2 for an unknown key name."""
    return _key_cost(frame, frame.read(name, size), curve == 0, address, prices.VETKD_DERIVE_KEY)


def _key_cost(frame: Frame, name: bytes, known: bool, address: int, by_key: dict[str, int]) -> int:  # noqa: FBT001
    if not known:
        return 1
    price = by_key.get(name.decode(errors="replace"))
    if price is None:
        return 2
    _give(frame, address, price)
    return 0
