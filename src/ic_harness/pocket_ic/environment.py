"""Environment variables of `pocket-ic-server`, for servers that clients start with arguments of their own."""

from __future__ import annotations

import os
from typing import Final

VERSION: Final = "16.1.0"
"""The version of the REST interface that is served; clients accept servers of their own major version only."""

VERSION_VARIABLE: Final = "IC_HARNESS_POCKET_IC_VERSION"
"""The version that `--version` prints, for older or newer clients."""
ICP_VARIABLE: Final = "IC_HARNESS_POCKET_IC_ICP"
"""The folder with modules of ICP's own canisters, as `--icp`."""


def served_version() -> str:
    """Return the version that the server says it has."""
    return os.environ.get(VERSION_VARIABLE) or VERSION
