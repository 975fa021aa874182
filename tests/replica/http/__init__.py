"""Tests of `replica/http/`."""
