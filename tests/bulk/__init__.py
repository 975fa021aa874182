"""Tests of bulk uploads."""
