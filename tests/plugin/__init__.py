"""Tests of pytest_plugin/, by pytest runs inside of pytest."""
