"""Tests of `ic_harness.testing`: assertions, catalogues, the call log, the runner, the gate and the report."""
