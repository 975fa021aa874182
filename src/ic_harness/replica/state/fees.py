"""What the Internet Computer charges, in cycles: the one table from which every price of the replica follows.

Figures are those of the documentation page "Cycle costs" and of DFINITY's replica, for a subnet of 13 nodes; a subnet
of another size charges in proportion. `docs/cycles.md` lists them beside the published ones.
"""

from __future__ import annotations

import enum
from dataclasses import field
from functools import partial
from typing import Final

from ic_harness.lazy_dataclass import dataclass
from ic_harness.units import GIB, SECOND

REFERENCE_NODES: Final = 13
"""The size of the subnet that the figures below are for."""
CREATE_CANISTER: Final = 500_000_000_000
UPDATE_EXECUTION: Final = 5_000_000
"""For each message that is executed, besides its instructions; a message that runs no instruction pays it too."""
TEN_INSTRUCTIONS: Final = 10
TEN_INSTRUCTIONS_64: Final = 20
"""The same for modules with 64-bit memory."""
BATCH: Final = 10 * REFERENCE_NODES
"""So many instructions cost a whole number of cycles on a subnet of any size."""
CALL: Final = 260_000
"""For a call between canisters and its answer."""
CALL_BYTE: Final = 1_000
"""For each byte of a call's method name and argument, and of its answer."""
INGRESS: Final = 1_200_000
INGRESS_BYTE: Final = 2_000
"""For each byte of the signed envelope."""
GIB_SECOND: Final = 127_000
"""For a GiB of storage and a second."""
COMPUTE_PERCENT_SECOND: Final = 10_000_000
"""For a percent of compute allocation and a second."""
OUTCALL_NODE: Final = 3_000_000
OUTCALL_NODE_PAIR: Final = 60_000
OUTCALL_REQUEST_BYTE: Final = 400
OUTCALL_RESPONSE_BYTE: Final = 800
SIGNATURE: Final = 10_000_000_000
"""For a threshold signature or a derived key, on 13 nodes."""
KEY_NODES: Final = {"dfx_test_key": 13, "test_key_1": 13, "key_1": 34}
"""Size of the subnet that holds a key: its size decides what a signature costs."""
UPLOAD_CHUNK_INSTRUCTIONS: Final = 200_000_000
SNAPSHOT_INSTRUCTIONS: Final = 2_000_000_000
"""Instructions for which taking or loading a snapshot is charged, besides one for each of its bytes."""

RESPONSE_BYTES: Final = 2 << 20
"""The largest answer, for which a call pays in advance."""
CALLBACK_INSTRUCTIONS: Final = 40_000_000_000
"""Instructions of the longest callback, for which a call pays in advance."""
CHARGE_INTERVAL: Final = 10 * SECOND
"""How often storage and compute allocation are charged."""
DAY_S: Final = 86_400

RESERVATION_THRESHOLD: Final = 750 * GIB
"""Memory of the subnet beyond which a canister that takes more must set cycles aside for it."""
SUBNET_MEMORY: Final = 2048 * GIB
RESERVATION_PERIOD_S: Final = 300_000_000
"""For how long the last byte of the subnet is paid in advance; less in proportion before."""
SUBNET_COMPUTE: Final = 300
"""Percent of compute that canisters may reserve, of which one always stays free."""


class CostSchedule(enum.StrEnum):
    """Whether a subnet charges."""

    NORMAL = "normal"
    FREE = "free"


@dataclass(frozen=True, slots=True)
class Fees:
    """What things cost on a subnet of `nodes` nodes; nothing when its schedule is `free`. All results in cycles."""

    nodes: int = REFERENCE_NODES
    schedule: CostSchedule = CostSchedule.NORMAL
    test_keys: tuple[str, ...] = ()
    """Threshold keys besides those of `KEY_NODES`, which cost what a test key costs."""
    charged: bool = field(init=False, repr=False, compare=False)
    """Whether anything costs anything."""
    # Known in advance, because every message needs them:
    ingress_call: int = field(init=False, repr=False, compare=False)
    """Receiving a user's call, besides its bytes."""
    ingress_byte: int = field(init=False, repr=False, compare=False)
    """For each byte of the signed envelope."""
    batch: tuple[int, int] = field(init=False, repr=False, compare=False)
    """`BATCH` instructions, of modules with 32-bit and with 64-bit memory."""
    longest: tuple[int, int] = field(init=False, repr=False, compare=False)
    """Executing the longest message, of modules with 32-bit and with 64-bit memory."""

    def __post_init__(self) -> None:
        known = partial(object.__setattr__, self)  # the object is frozen
        known("charged", self.schedule is CostSchedule.NORMAL)
        known("ingress_call", self.scaled(INGRESS))
        known("ingress_byte", self.scaled(INGRESS_BYTE))
        nodes = self.nodes if self.charged else 0
        known("batch", (TEN_INSTRUCTIONS * nodes, TEN_INSTRUCTIONS_64 * nodes))
        known("longest", (self.callback(), self.callback(is_64=True)))

    def scaled(self, cycles: int) -> int:
        """What is `cycles` on 13 nodes, on this subnet; rounded down."""
        if not self.charged:
            return 0
        return cycles if self.nodes == REFERENCE_NODES else cycles * self.nodes // REFERENCE_NODES

    @property
    def create_canister(self) -> int:
        """Creating a canister."""
        return self.scaled(CREATE_CANISTER)

    def instructions(self, count: int, *, is_64: bool = False) -> int:
        """Instructions alone."""
        return count * self.batch[is_64] // BATCH

    def execution(self, count: int, *, is_64: bool = False) -> int:
        """Executing a message of so many instructions."""
        per_ten = TEN_INSTRUCTIONS_64 if is_64 else TEN_INSTRUCTIONS
        return self.scaled(UPDATE_EXECUTION + count * per_ten // 10)

    def ingress(self, size: int) -> int:
        """Receiving a user's call of `size` bytes."""
        return self.ingress_call + self.ingress_byte * size

    def call_bytes(self, size: int) -> int:
        """Sending so many bytes to another canister, or back."""
        return self.scaled(CALL_BYTE * size)

    def call_request(self, size: int) -> int:
        """Making a call whose method name and argument have `size` bytes."""
        return self.scaled(CALL) + self.call_bytes(size)

    @property
    def call_answer(self) -> int:
        """The largest answer, paid in advance by a call."""
        return self.call_bytes(RESPONSE_BYTES)

    def callback(self, *, is_64: bool = False) -> int:
        """Executing the longest callback, paid in advance by a call."""
        return self.execution(CALLBACK_INSTRUCTIONS, is_64=is_64)

    def call(self, request_bytes: int, *, is_64: bool = False) -> int:
        """The prepayment for a call: request, largest response, and the callback at its instruction limit."""
        return self.call_request(request_bytes) + self.call_answer + self.callback(is_64=is_64)

    def storage(self, size: int, seconds: int) -> int:
        """Keeping `size` bytes for so many seconds."""
        return self.scaled(size * GIB_SECOND * seconds // GIB)

    def compute(self, percent: int, seconds: int) -> int:
        """A compute allocation for so many seconds."""
        return self.scaled(percent * COMPUTE_PERCENT_SECOND * seconds)

    def http_request(self, request_bytes: int, max_response_bytes: int, nodes: int | None = None) -> int:
        """An HTTPS outcall that `nodes` nodes make; None are all of the subnet."""
        if not self.charged:
            return 0
        asked = self.nodes if nodes is None else nodes
        each = OUTCALL_NODE + OUTCALL_NODE_PAIR * asked
        sizes = OUTCALL_REQUEST_BYTE * request_bytes + OUTCALL_RESPONSE_BYTE * max_response_bytes
        return (each + sizes) * asked

    def signature(self, key: str) -> int | None:
        """A signature by the key of this name, or a key derived from it; None when there is no such key."""
        nodes = REFERENCE_NODES if key in self.test_keys else KEY_NODES.get(key)
        return None if nodes is None else Fees(nodes, self.schedule).scaled(SIGNATURE)

    def reservation(self, taken: int, more: int) -> int:
        """What must be set aside for `more` bytes on a subnet whose canisters have `taken` bytes."""
        if taken + more <= RESERVATION_THRESHOLD or not self.charged:
            return 0
        return self._reserved(taken + more) - self._reserved(taken)

    def _reserved(self, taken: int) -> int:
        above = max(0, taken - RESERVATION_THRESHOLD)
        period = RESERVATION_PERIOD_S * above // (SUBNET_MEMORY - RESERVATION_THRESHOLD)
        return self.storage(above, period // 2)


FREE: Final = Fees(schedule=CostSchedule.FREE)
"""Nothing costs anything."""
