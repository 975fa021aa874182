"""A process that is sent SIGINT at random moments while it uses a replica; run by test_interrupts.py.

Arguments: how many interrupts, the seed of the moments, and whether the kernel gives the signal to the process or to
another thread, which leaves a main thread that blocks in a lock asleep. Prints a JSON line when every interrupt
arrived as a KeyboardInterrupt, no acknowledged update was lost, none was made twice, and the network stayed usable.
"""

from __future__ import annotations

import faulthandler
import json
import os
import random
import signal
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from ic_harness import candid, processors
from ic_harness.networks import embedded
from ic_harness.protocol import Ed25519Identity
from tests.replica.restless import HEARTBEAT, endless, restless
from tests.replica.support import BOB, deploy


class Session:
    """A network and the things that one does with it, each of which an interrupt may cut short."""

    def __init__(self, network, moments):
        self.network, self.replica, self.moments = network, network.replica, moments
        self.counter = deploy(self.replica, "rust/rust", 0)
        self.endless = endless(self.replica)
        restless(self.replica, HEARTBEAT)
        self.agent = network.agent(Ed25519Identity.from_seed(b"i" * 32))
        self.add = candid.encode((1,), self.counter.service.methods["add"].arg_types)
        self.tried = self.done = 0
        self.free = processors.CAN_PIN and processors.allowed(0)

    def work(self):
        """Do one thing for ever."""
        action = self.moments.choice(
            [self.count, self.count_as_agent, self.count_together, self.loop, self.look, self.read, self.tick]
        )
        while True:
            action()

    def count(self):
        self.tried += 1
        self.replica.execute_update(BOB, self.counter.id, "add", self.add)
        self.done += 1

    def count_as_agent(self):
        self.tried += 1
        self.agent.update(self.counter.id, "add", self.add)
        self.done += 1

    def count_together(self):
        self.tried += 3
        add = lambda: self.replica.execute_update(BOB, self.counter.id, "add", self.add)  # noqa: E731
        self.replica.in_one_round([add, add, add])
        self.done += 3

    def loop(self):
        self.replica.execute_update(BOB, self.endless, self.moments.choice(["spin", "write"]), b"")

    def look(self):
        self.replica.execute_query(BOB, self.endless, "look", b"")

    def read(self):
        self.counter.query("get")

    def tick(self):
        self.replica.tick()

    def check(self):
        """What the counter says must lie between what was answered and what was tried."""
        counted = self.counter.query("get")
        assert self.done <= counted <= self.tried, (self.done, counted, self.tried)
        assert self.free == (processors.CAN_PIN and processors.allowed(0)), "the main thread is still pinned"

    def put_back(self):
        """A snapshot and its restore, for ever."""
        while True:
            snapshot = self.replica.snapshot()
            self.replica.restore(snapshot)
            snapshot.close()


def interrupt_at_random(count, moments, receiver, ready, sent):
    for _ in range(count):
        ready.wait()
        ready.clear()
        threading.Event().wait(moments.random() * 0.02)
        sent.append(1)
        if receiver == "process":
            os.kill(os.getpid(), signal.SIGINT)
        else:
            signal.pthread_kill(threading.get_ident(), signal.SIGINT)


def main(count, seed, receiver):
    moments = random.Random(seed)
    ready, caught, longest = threading.Event(), 0, 0.0
    sent: list[float] = []
    with embedded() as network:
        faulthandler.enable()  # after the engine: its handlers must be found again at the next trap
        session = Session(network, moments)
        arguments = (count, random.Random(seed + 1), receiver, ready, sent)
        threading.Thread(target=interrupt_at_random, args=arguments, daemon=True).start()
        while caught < count:
            try:
                ready.set()
                session.put_back() if caught % 10 == 9 else session.work()
            except KeyboardInterrupt:
                caught += 1
                began = time.monotonic()
                session.check()
                longest = max(longest, time.monotonic() - began)
    assert len(sent) == caught
    result = {"interrupts": caught, "updates": session.done, "longest_s": round(longest, 3)}
    print(json.dumps(result))  # noqa: T201  what the test reads


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
