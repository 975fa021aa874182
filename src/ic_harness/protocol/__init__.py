"""The wire of the Internet Computer: requests, signatures, identities, hash trees, certificates."""
