"""Maps canister ids of the first network to those of the second, and back, in arguments, replies and texts.

Canister ids are 10 bytes, and as text 27 characters, on every network. So an id can be replaced inside of a
Candid message without decoding it.
"""

from __future__ import annotations

import re

from ic_harness.principal import Principal

_ID_BYTES = 10


class Identifiers:
    """Pairs of canister ids, learned when canisters are created."""

    def __init__(self) -> None:
        self._there: dict[bytes, bytes] = {}
        self._back: dict[bytes, bytes] = {}

    def copy(self) -> Identifiers:
        """Return an independent copy."""
        other = Identifiers()
        other._there, other._back = dict(self._there), dict(self._back)
        return other

    def learn(self, first: Principal, second: Principal) -> bool:
        """Note that two canisters are the same one. Returns False when one of them is known otherwise already."""
        known = self._there.get(first.raw), self._back.get(second.raw)
        if known == (second.raw, first.raw):
            return True
        if known != (None, None) or len(first.raw) != _ID_BYTES or len(second.raw) != _ID_BYTES:
            return False
        for one, other, ids in ((first, second, self._there), (second, first, self._back)):
            ids[one.raw] = other.raw
            ids[str(one).encode()] = str(other).encode()
        return True

    def are_same(self, first: Principal, second: Principal) -> bool:
        """Whether two principals correspond; unknown canister ids are learned as a pair."""
        if first.raw in self._there or second.raw in self._back:
            return self._there.get(first.raw) == second.raw
        return first == second or self.learn(first, second)

    def principal(self, first: Principal) -> Principal:
        """Return the principal on the second network; itself when it is no known canister."""
        return Principal(self._there.get(first.raw, first.raw))

    def there(self, content: bytes) -> bytes:
        """Replace ids of the first network by those of the second."""
        return _replaced(content, self._there)

    def back(self, content: bytes) -> bytes:
        """Replace ids of the second network by those of the first."""
        return _replaced(content, self._back)


def _replaced(content: bytes, ids: dict[bytes, bytes]) -> bytes:
    changed = {old: new for old, new in ids.items() if old != new}
    if not changed:
        return content
    pattern = re.compile(b"|".join(map(re.escape, changed)))
    return pattern.sub(lambda found: changed[found[0]], content)
