"""The suite as pytest tests: `pytest --pyargs ic_capsule.suite.tests --wasm their.wasm`."""
