"""Generates `_generated.py` from `icrc.did`: `python -m ic_harness.icrc.regenerate`; a test compares the two."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from ic_harness.candid import bindgen


def generated() -> str:
    """Return the text of `_generated.py`."""
    did = files("ic_harness.icrc").joinpath("icrc.did").read_text(encoding="utf-8")
    text = bindgen.generate(did_text=did, source_name="icrc.did", class_name="LedgerClient")
    return text.replace("`ic-harness bindgen`", "`python -m ic_harness.icrc.regenerate`")


if __name__ == "__main__":
    Path(__file__).with_name("_generated.py").write_text(generated(), encoding="utf-8")
