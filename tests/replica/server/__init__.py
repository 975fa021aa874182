"""Tests of `replica/server/`."""
