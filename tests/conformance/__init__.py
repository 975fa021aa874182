"""Tests of conformance/: the catalogue, the story, the stage and what becomes of a check."""
