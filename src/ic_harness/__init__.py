"""ic-harness: test Internet Computer canisters from Python."""

__version__ = "0.1.0"
