"""`python -m ic_harness.cli` is the command `ic-harness`."""

from __future__ import annotations

from .main import main

main()
