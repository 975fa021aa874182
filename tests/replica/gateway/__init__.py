"""Tests of `replica/gateway/`."""
