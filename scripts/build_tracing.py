"""Builds `src/tracing` into `fixtures/tracing/tracing.wasm.gz`, see `crate_module.py`."""

from __future__ import annotations

import sys

from crate_module import CrateModule, main

if __name__ == "__main__":
    sys.exit(main(CrateModule("tracing")))
