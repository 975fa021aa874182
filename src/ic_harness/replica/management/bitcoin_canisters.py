"""The ids of the Bitcoin canisters, whose methods the management canister answers where nothing is installed there."""

from __future__ import annotations

from typing import Final

BITCOIN_CANISTERS: Final = {
    bytes.fromhex("0000000001a000040101"): "mainnet",
    bytes.fromhex("0000000001a000010101"): "testnet",
}
"""The canisters of the Bitcoin networks: `ghsi2-tqaaa-aaaan-aaaca-cai` and `g4xu7-jiaaa-aaaan-aaaaq-cai`."""
