"""Writes `docs/mutants.md`."""

import sys

from . import MUTANTS, ROOT, TABLE, table

TABLE.write_text(table(), encoding="utf-8")
sys.stdout.write(f"{TABLE.relative_to(ROOT)}: {len(MUTANTS)} mutants\n")
