"""Tests of `replica/testing/`."""
