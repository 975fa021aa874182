"""The process that the crash test kills: adds one again and again, and prints each answer."""

from __future__ import annotations

import sys
from pathlib import Path

from ic_harness import candid
from ic_harness.principal import Principal
from ic_harness.replica import Replica, ReplicaConfig

TYPES = candid.parse_types("(nat64)")


def main(folder: str, canister: str, checkpoint_bytes: int) -> None:
    from ic_harness.replica.store import store

    store.CHECKPOINT_BYTES = checkpoint_bytes  # type: ignore[misc]  # constant elsewhere
    replica = Replica(ReplicaConfig(state_dir=Path(folder)))
    one = candid.encode((1,), TYPES)
    caller = Principal.anonymous()
    while True:
        (count,) = candid.decode(replica.execute_update(caller, canister, "add", one), TYPES)
        sys.stdout.write(f"{count}\n")
        sys.stdout.flush()


main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
