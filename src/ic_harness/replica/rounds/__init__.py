"""Rounds: the runner, the steps of a round, and the queries that run beside them."""
