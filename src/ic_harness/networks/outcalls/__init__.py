"""HTTPS outcalls of canisters on a test network: mocked, recorded and replayed, or truly made."""

from ic_harness.networks.outcalls.live import Live
from ic_harness.networks.outcalls.mocks import OutcallRule, Outcalls, make_response

__all__ = ["Live", "OutcallRule", "Outcalls", "make_response"]
