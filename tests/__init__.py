"""Tests: one folder a floor, plus architecture, interop and e2e."""
