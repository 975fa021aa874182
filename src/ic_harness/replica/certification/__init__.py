"""What the subnet certifies: the state tree of each round, its signature, and cuts of it for readers."""

from .certifier import Certified, Certifier
from .delegations import Delegations
from .state_tree import StateTree

__all__ = ["Certified", "Certifier", "Delegations", "StateTree"]
