"""Builds `src/bls` into `fixtures/bls/bls.wasm.gz`, see `crate_module.py`.

The module uses the instructions of the wide-arithmetic proposal (products of 128 bits), with which verifying takes a
third of the time.
"""

from __future__ import annotations

import sys

from crate_module import CrateModule, main

if __name__ == "__main__":
    sys.exit(main(CrateModule("bls", flags=("-Ctarget-feature=+wide-arithmetic",))))
