"""Canister execution: Wasm modules, memories that roll back, and the `ic0` system API."""
