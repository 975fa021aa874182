"""Tests of `testing/report`: every format by a strict reader, the page in a real browser."""
