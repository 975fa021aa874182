"""Tests of cli/: commands as a person types them."""
