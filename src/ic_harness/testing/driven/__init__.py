"""Runs of calls whose every round is driven by a tool: the same each time, from the same state, within bounds."""
