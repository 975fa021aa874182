from ic_harness.networks import Canister as Canister
from ic_harness.networks import connect as connect
from ic_harness.networks import deploy_canister as deploy_canister
from ic_harness.networks import embedded as embedded
from ic_harness.networks import open_network as open_network

__version__: str
__all__ = ["Canister", "__version__", "connect", "deploy_canister", "embedded", "open_network"]
