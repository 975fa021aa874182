"""Rounds: who runs them, what happens in them, and the reads that run beside them."""
