"""Photos on a bad way: every single fault at every message of an upload."""
