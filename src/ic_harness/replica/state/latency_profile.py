"""How long a network takes, as figures: what a configuration names and `testing/latency.py` carries out."""

from __future__ import annotations

from typing import Final

from ic_harness.errors import ReplicaError
from ic_harness.lazy_dataclass import dataclass
from ic_harness.units import MIB


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """Figures of a network, in seconds and bytes.

    `one_way_s` is the time from the client to a node, `block_interval_s` the time between blocks,
    `block_bytes` the ingress a block holds, `finality_s` the time from the proposal of a block to the
    certificate of its results.
    """

    one_way_s: float = 0.0
    block_interval_s: float = 0.0
    block_bytes: int = 4 * MIB
    finality_s: float = 0.0

    def __post_init__(self) -> None:
        if min(self.one_way_s, self.block_interval_s, self.finality_s) < 0 or self.block_bytes <= 0:
            raise ReplicaError(f"a latency model has no negative figures and room in its blocks: {self}")


MAINNET: Final = Latency(one_way_s=0.2, block_interval_s=0.9, finality_s=1.35)
"""An application subnet as DFINITY's engineers broke an update call down in their forum.

0.9 s between blocks, 0.9 s until a block is final and 0.45 s for execution and certification, 0.2 s each way
from a client that is not far: 2.2 s on average for a call.
"""

PRESETS: Final = {"none": None, "mainnet": MAINNET}
"""Models by name, for command lines."""
