"""Serves two application subnets of one node: that of the compliance suite, which is the root, and its peer.

`two_subnets.py --state-dir DIR` prints `{"url": ...}` and runs until SIGTERM. Each subnet has one half of all canister
ids, because the suite describes a subnet by one range.
"""

from __future__ import annotations

import argparse
import json
import signal
import threading
from pathlib import Path

from ic_harness import waiting
from ic_harness.networks import embedded
from ic_harness.replica import SubnetKind, SubnetSpec, serve

HALF = 1 << 63
"""The first canister id of the peer, as a number."""


def subnet(first: int) -> SubnetSpec:
    """An application subnet with half of the canister ids, from this one on."""
    low, high = (number.to_bytes(8, "big") + b"\x01\x01" for number in (first, first + HALF - 1))
    return SubnetSpec(kind=SubnetKind.APPLICATION, nodes=1, ranges=((low, high),))


def main() -> None:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--state-dir", type=Path, required=True)
    folder = parser.parse_known_args()[0].state_dir
    stop = waiting_for_the_end()
    with embedded(folder, subnets=[subnet(0), subnet(HALF)]) as network:
        network.outcalls.live()
        server = serve(network.replica, port=0)
        print(json.dumps({"url": server.url}), flush=True)
        try:
            waiting.is_set(stop)
        finally:
            network.close()
            server.stop()


def waiting_for_the_end() -> threading.Event:
    """An event that SIGTERM sets."""
    asked = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: asked.set())
    return asked


if __name__ == "__main__":
    main()
