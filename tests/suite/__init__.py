"""Tests of the capsule backend's suite: its checks, mutants, generations and reproductions."""
