"""Every check can fail: for each fault of `fixtures/canisters/src/ledgers` the suite finds exactly what it breaks."""

from __future__ import annotations

import os

import pytest

from ic_harness.testing.gate import Build
from tests.amounts import amount
from tests.interop.build_canisters import compile_ledger
from tests.interop.toolbox import ToolMissingError

from .ledgers import LEDGERS, broken, few_tries, ledger_patch

NAMES = sorted(path.stem for path in LEDGERS.glob("*.patch"))[:: amount(4, thorough=1)]
"""Each needs a compilation and a run of the whole suite, so most are for thorough runs."""
REQUIRED = "IC_HARNESS_REQUIRE_INTEROP"


@pytest.mark.slow
@pytest.mark.interop
@pytest.mark.parametrize("name", NAMES)
def test_a_fault_is_found(name, monkeypatch):
    """The guarantees that the suite finds broken are those that the patch names, no more and no fewer."""
    try:
        module, _ = compile_ledger(name)
    except ToolMissingError as missing:
        if os.environ.get(REQUIRED) == "1":
            pytest.fail(f"motoko is required ({REQUIRED}=1): {missing}")
        pytest.skip(f"motoko cannot be had here: {missing}")
    with few_tries(monkeypatch):
        found = broken(Build(name=name, wasm=module))
    assert set(found) == set(ledger_patch(name).breaks), {id_: it.message for id_, it in found.items()}
