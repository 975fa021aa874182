"""The system API, one family of functions a module; table.py has the contexts of each.

Every function takes the running message and the values that the canister passed, unsigned, and returns the
result's value or None. What it may not do, it raises as a trap. Functions with more than one step have them
in the order: ARGUMENTS (read them from the canister's memory), CHECKS, EFFECT.
"""
