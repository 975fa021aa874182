"""Figures of uploads by three agents, side by side: 21 MB into the reference backend, over HTTP on loopback.

Every agent runs in a process of its own against the same replica, warm, and hashes the bytes beforehand; measured is
from begin to finish. `@dfinity/agent` and ours verify every certificate, ic-py verifies none. Then the same under
the latency of mainnet, beside the loop of the scripts of today: one chunk of 64 KiB after the other.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from _figures import show
from _served import served
from tests.interop import toolbox
from tests.interop.judges import MAKERS

from ic_capsule.backend import AsyncBackend, reference_wasm
from ic_capsule.uploads.upload_state import WINDOW
from ic_harness.networks import connect
from ic_harness.principal import Principal
from ic_harness.protocol import Ed25519Identity

SIZE = 21_000_000
CHUNK = 1_800_000
OLD_CHUNK = 65_536
COUNT = -(-SIZE // CHUNK)
RUNS = 9


async def upload(url: str, canister: str, chunk: int, window: int, measured: int) -> list[float]:
    """The seconds of begin, of `measured` chunks, `window` of them in flight, and of finish, by our client."""
    network = connect(url)
    async with network.async_agent(Ed25519Identity.generate()) as agent:
        backend = AsyncBackend(agent, Principal.from_text(canister))
        capsule = (await backend.capsules_create(None)).id
        data = os.urandom(SIZE)
        digest = hashlib.sha256(data).digest()
        marks = [time.perf_counter()]
        session = await backend.uploads_begin(capsule, -(-SIZE // chunk), digest.hex())
        marks.append(time.perf_counter())
        indexes = iter(range(measured))

        async def carry() -> None:
            for index in indexes:
                part = data[index * chunk : (index + 1) * chunk]
                await backend.uploads_put_chunk(session, index, part)

        async with asyncio.TaskGroup() as carriers:
            for _ in range(window):
                carriers.create_task(carry())
        marks.append(time.perf_counter())
        if measured * chunk >= SIZE:
            await backend.uploads_finish(session, digest, SIZE)
        marks.append(time.perf_counter())
    network.close()
    return [after - before for before, after in pairwise(marks)]


def ours(url: str, canister: str, *, chunk: int = CHUNK, window: int = WINDOW, measured: int = COUNT) -> Any:
    """The same in a process of its own, as the rivals run."""
    request = json.dumps([url, canister, chunk, window, measured])
    return json.loads(subprocess.check_output([sys.executable, __file__, request]))


def rival(name: str, scenario: str, **request: Any) -> Any:
    """What another agent needs; None, and the reason printed, when it cannot be had here."""
    try:
        return MAKERS[name]().ask(scenario, **request)
    except toolbox.ToolMissingError as missing:
        print(f"{name}: not measured ({missing})")
        return None


def side_by_side(url: str, canister: str) -> None:
    """All agents on a network without delays, in turns, so that a busy moment meets all of them."""
    common = {"host": url, "canister": canister, "size": SIZE, "chunk": CHUNK}
    seconds: dict[str, list[float]] = {}
    for turn in range(RUNS):
        seconds.setdefault("ours", []).append(sum(ours(url, canister)))
        node = rival("agent3", "upload", window=COUNT, **common)
        if node is not None:
            seconds.setdefault("node", []).append(node["seconds"])
        for kind in ("ic-py", "ic-py, bytes encoded before") if turn < 3 else ():
            found = rival("ic_py", "upload", measured=COUNT, pre_encoded=kind != "ic-py", **common)
            if found is not None:
                seconds.setdefault(kind, []).append(sum(found["seconds"]))
    figures = {kind: median(runs) for kind, runs in seconds.items()}
    show("ic-harness, everything verified", SIZE / figures["ours"] / 1e6, "MB/s")
    for kind, label, goal in (
        ("node", "@dfinity/agent 3, everything verified", 1.5),
        ("ic-py", "ic-py, nothing verified", 20.0),
        ("ic-py, bytes encoded before", "ic-py, nothing verified, spared its Candid encoder", None),
    ):
        if kind in figures:
            show(label, SIZE / figures[kind] / 1e6, "MB/s")
            show("  ic-harness is faster by", figures[kind] / figures["ours"], "x", least=goal)


def far_away(url: str, canister: str) -> None:
    """Ours and the loops of today with the latency of mainnet; long loops are measured in part and scaled."""
    quick = sum(ours(url, canister))
    show("ic-harness, chunks in flight together", quick, "s")
    for label, chunk, measured, goal in (
        ("chunks of 64 KiB one after the other, as the scripts of today", OLD_CHUNK, 4, 4.0),
        ("chunks of 1.8 MB one after the other", CHUNK, 4, None),
    ):
        begin, chunks, _ = ours(url, canister, chunk=chunk, window=1, measured=measured)
        # Finish takes as long as begin: one call.
        whole = 2 * begin + chunks / measured * -(-SIZE // chunk)
        show(f"{label} (from {measured})", whole, "s")
        show("  ic-harness is faster by", whole / quick, "x", least=goal)


def main() -> None:
    """Measure and print everything; with a request as argument, upload once and print the seconds."""
    if len(sys.argv) == 2:
        print(json.dumps(asyncio.run(upload(*json.loads(sys.argv[1])))))
        return
    load, cores = os.getloadavg()[0], os.cpu_count() or 1
    if load > cores:
        print(
            f"note: {load:.0f} programs want {cores} cores; two processes (ours) lose more by that than one (ic-py's)"
        )
    for latency, measure in (("none", side_by_side), ("mainnet", far_away)):
        print(f"upload of 21 MB into the reference backend, chunks of 1.8 MB; latency: {latency}")
        with served(latency=latency) as url, connect(url) as network:
            measure(url, str(network.deploy(reference_wasm())))


if __name__ == "__main__":
    main()
