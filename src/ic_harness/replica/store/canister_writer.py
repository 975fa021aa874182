"""Canisters as plain values for the journal, which writes the whole record of each canister that a round changed.

Nearly all of a record are settings and history, up to twenty entries with seventeen fields each, and hardly any round
changes them. So their encoding is kept, beside the very objects that it was made of. Both consist of frozen records
and immutable values: where a canister still has the same objects, the encoding is right.
"""

from __future__ import annotations

from collections.abc import Collection
from operator import is_
from typing import Any, NamedTuple

from ic_harness.errors import CborError
from ic_harness.protocol import cbor
from ic_harness.replica.state.replicated_state import Canister, Change, Request, Settings
from ic_harness.replica.store.codec import to_plain, to_plain_with


class _Kept(NamedTuple):
    """The settings and history of one canister when they were encoded, and their plain values as CBOR."""

    settings: Settings
    history: tuple[Change, ...]
    encoded: dict[str, Any]

    def fits(self, canister: Canister) -> bool:
        """Whether the canister has these objects, and no others."""
        return (
            self.settings is canister.settings
            and len(self.history) == len(canister.history)
            and all(map(is_, self.history, canister.history))
        )


class CanisterWriter:
    """Turns the canisters of one state folder into plain values."""

    def __init__(self) -> None:
        self._kept: dict[bytes, _Kept] = {}
        self._queue: tuple[Request, ...] = ()

    def is_new(self, queue: Collection[Request]) -> bool:
        """Whether the management canister's queue has to be written: not when it is full of what was written before.

        Modules wait in it behind an installation that takes many rounds. An empty one is always written.
        """
        known, self._queue = self._queue, tuple(queue)
        return not queue or len(known) != len(queue) or not all(map(is_, known, self._queue))

    def write(self, canister_id: bytes, canister: Canister | None) -> Any:
        """Return the plain value of a canister, None for a deleted one, for `cbor.encode`.

        It encodes to the same bytes as that of `to_plain`. Raises `StateError` for what could not be read again.
        """
        if canister is None:
            self._kept.pop(canister_id, None)
            return None
        kept = self._kept.get(canister_id)
        if kept is None or not kept.fits(canister):
            try:
                kept = _encode(canister)
            except CborError:
                return to_plain(canister)  # the journal says what is wrong with it
            self._kept[canister_id] = kept
        return to_plain_with(canister, kept.encoded)


def _encode(canister: Canister) -> _Kept:
    history = tuple(canister.history)
    encoded = {
        "settings": cbor.Encoded(cbor.encode(to_plain(canister.settings), tagged=False)),
        "history": cbor.Encoded(cbor.encode([to_plain(change) for change in history], tagged=False)),
    }
    return _Kept(canister.settings, history, encoded)
