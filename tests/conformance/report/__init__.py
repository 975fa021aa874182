"""Tests of conformance/report/: every format by a strict reader, the page in a real browser."""
