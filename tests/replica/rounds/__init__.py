"""Tests of `replica/rounds/`."""
