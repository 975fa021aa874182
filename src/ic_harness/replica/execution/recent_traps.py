"""The newest traps, so that the error of a call can show source lines."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable
from typing import Final

from ic_harness.lazy_dataclass import dataclass
from ic_harness.principal import Principal

MAX_FRAMES: Final = 100
"""Frames of a trap that are shown, innermost first."""
_KEPT: Final = 64


@dataclass(frozen=True, slots=True)
class TrapPlace:
    """Where a message trapped.

    `message` is the beginning of its reject, `names` are its functions, innermost first, or nothing; `frames` are the
    indices of the functions and the offsets in the module that runs. `wasm` is the module as uploaded, None for one
    without line tables.
    """

    canister: Principal
    message: str
    names: tuple[str, ...]
    wasm: bytes | None
    frames: tuple[tuple[int, int], ...]

    def lines(self) -> tuple[str, ...]:
        """Return a text such as `src/lib.rs:42 in counter::add` for each frame with a known line, innermost first.

        The texts come from the canister: clean them for show. Takes up to some seconds for a module with much debug
        information.
        """
        if self.wasm is None:
            return ()
        from .source_lines import trap_lines  # lazy: few traps are looked at  # noqa: PLC0415

        return trap_lines(self.wasm, self.frames, self.names)


class RecentTraps:
    """The newest traps of an engine's canisters. Written and read by any thread."""

    def __init__(self) -> None:
        self._places: deque[TrapPlace] = deque(maxlen=_KEPT)
        self._lock = threading.Lock()

    def add(
        self,
        canister_id: bytes,
        message: str,
        names: tuple[str, ...],
        wasm: bytes | None,
        frames: Iterable[tuple[int, str | None, int]],
    ) -> None:
        """Remember a trap: its reject, the names of its functions, the module (None: no lines), the engine's frames."""
        kept = () if wasm is None else tuple((index, offset) for index, _, offset in frames)[:MAX_FRAMES]
        with self._lock:
            self._places.append(TrapPlace(Principal(canister_id), message, names, wasm, kept))

    def find(self, reject_message: str) -> TrapPlace | None:
        """Return the newest trap that a reject message speaks of; None when it is not remembered."""
        with self._lock:
            places = list(self._places)
        for place in reversed(places):
            parts = (str(place.canister), place.message, "\n".join(place.names))
            if all(part in reject_message for part in parts):
                return place
        return None
