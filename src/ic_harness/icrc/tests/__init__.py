"""The suite as pytest tests: `pytest --pyargs ic_harness.icrc.tests --wasm ledger.wasm --candid ledger.did`."""
