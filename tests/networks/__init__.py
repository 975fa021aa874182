"""Tests of networks/: what a network is, how it is opened, what it can do."""
