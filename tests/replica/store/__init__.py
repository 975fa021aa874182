"""Tests of `replica/store/`."""
