"""Uploads: sources, derivatives, lanes, and what is left when anything fails."""
