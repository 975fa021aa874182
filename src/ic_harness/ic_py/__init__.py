"""The names of ic-py over this package's client: a script of ic-py moves over by changing its imports.

    from ic.agent import Agent     becomes     from ic_harness.ic_py.agent import Agent

and so for `candid`, `canister`, `certificate`, `client`, `identity`, `principal` and `system_state`. Arguments and
results keep ic-py's forms (`[]` and `[value]` for an `opt`, `{"type": …, "value": …}` for what is decoded). What is
different is that everything is verified, that updates do not wait for a second, that a query that is refused raises
as an update does, and that a `vec nat8` comes as `bytes`.

What this package has of its own is meant for new code; this room is only the way there.
"""

from ic_harness.ic_py.agent import Agent, as_agent
from ic_harness.ic_py.candid import Types, decode, encode
from ic_harness.ic_py.canister import Canister
from ic_harness.ic_py.client import Client
from ic_harness.ic_py.identity import DelegateIdentity, Identity
from ic_harness.ic_py.principal import AccountIdentifier, Principal

__all__ = [
    "AccountIdentifier",
    "Agent",
    "Canister",
    "Client",
    "DelegateIdentity",
    "Identity",
    "Principal",
    "Types",
    "as_agent",
    "decode",
    "encode",
]
