"""Tests of the typed client of the backend."""
