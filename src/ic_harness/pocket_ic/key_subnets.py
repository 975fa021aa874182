"""Which subnets have threshold keys: a network without any of them has none, as with PocketIC's server.

Since version 14, the keys for tests are on a subnet of their own; before, II and the fiduciary subnet had all names.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ic_harness.replica import SubnetKind

_TEST_KEYS: Final = ("dfx_test_key", "test_key_1")
_KEY: Final = ("key_1",)
_KINDS: Final = (SubnetKind.II, SubnetKind.FIDUCIARY)
_SPLIT_SINCE: Final = 14
"""The major version since which test keys have a subnet of their own."""


def key_subnets(version: str) -> Mapping[SubnetKind, tuple[str, ...]]:
    """Return the names of the keys that subnets of each kind have at a version of the server, such as `16.1.0`."""
    major = version.partition(".")[0]
    split = not major.isdigit() or int(major) >= _SPLIT_SINCE
    names = _KEY if split else (*_KEY, *_TEST_KEYS)
    return {**dict.fromkeys(_KINDS, names), SubnetKind.TEST_THRESHOLD_KEYS: _TEST_KEYS}
