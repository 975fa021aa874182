"""Capsule backends: canisters that store photos as memories. Client, uploads, guarantees and their checks."""
