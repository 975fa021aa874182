"""Environment variables of `pocket-ic-server`, for servers that clients start with arguments of their own."""

from __future__ import annotations

from typing import Final

VERSION_VARIABLE: Final = "IC_HARNESS_POCKET_IC_VERSION"
"""The version that `--version` prints, for older or newer clients."""
ICP_VARIABLE: Final = "IC_HARNESS_POCKET_IC_ICP"
"""The folder with modules of ICP's own canisters, as `--icp`."""
