"""The suite as pytest tests: `pytest --pyargs ic_harness.conformance.tests --wasm their.wasm`."""
