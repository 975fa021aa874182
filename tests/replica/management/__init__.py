"""Tests of `replica/management/`."""
