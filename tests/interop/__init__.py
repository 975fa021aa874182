"""Clients and canisters that others wrote: the judges of both ends of our wire."""
