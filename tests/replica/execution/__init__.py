"""Tests of canister execution."""
