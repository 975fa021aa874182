"""The process that is killed after it has added a subnet: prints the id of a canister on it, then adds for ever."""

from __future__ import annotations

import sys
from pathlib import Path

from ic_harness.replica import Replica, ReplicaConfig, SubnetSpec
from tests.replica.subnets import deploy_on


def main(folder: str) -> None:
    replica = Replica(ReplicaConfig(state_dir=Path(folder)))
    replica.add_subnet(SubnetSpec())
    canister = deploy_on(replica, replica.nodes.all[-1], 5)
    sys.stdout.write(f"{canister.id}\n")
    sys.stdout.flush()
    while True:
        canister.update("add", 1)


main(sys.argv[1])
