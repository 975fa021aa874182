"""Figures of bulk runs: files made on the fly, a replica in a process of its own, the coordinator in another one.

    scripts/bench bulk [-- SCENARIO...]     without names: happy faults limited cut upgrade users lanes

    happy          100 files of 1 MB
    faults         200 mixed files, 2 % of them broken, 2 % of all calls harmed
    full           2,000 mixed files, 4 GB, the same faults; memory beside that of 100 files
    limited        100 files, a fifth of all calls refused by 429
    cut            100 files, nothing gets through for a while
    upgrade        100 files, the backend is upgraded in the middle
    users          three users at once, 60 files each
    lanes          small photos: `upload` one after the other, beside 8 lanes, on the embedded network
    mainnet-large  40 files of 10 MB under the latency of mainnet
    mainnet-small  2,000 files of 68 kB under the latency of mainnet, originals and memories (8 minutes)
    mainnet-all    the same with derivatives

Other sizes: happy:COUNT:MEGABYTES, such as happy:500:5; lanes:COUNT.
"""

from __future__ import annotations

import hashlib
import json
import random
import secrets
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from _figures import show
from _served import served

from ic_capsule.backend import open_backend, reference_wasm
from ic_capsule.bulk import (
    UNPACED,
    Ledger,
    LedgerView,
    Options,
    Stage,
    State,
    add_paths,
    percentile,
    run_bulk,
)
from ic_capsule.uploads import sample_photo, upload_photo
from ic_harness.networks import Network, connect, embedded
from ic_harness.principal import Principal
from ic_harness.protocol import Ed25519Identity

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures" / "photos"
CLIENT = """
import json, sys, time
from pathlib import Path
from ic_capsule.bulk import Ledger, Options, Stage, UNPACED, run_bulk
from ic_harness.networks import connect
from ic_harness.principal import Principal
from ic_harness.protocol import Ed25519Identity
url, canister, path, seed, until, lanes = sys.argv[1:]
identity = Ed25519Identity.from_seed(bytes.fromhex(seed))
options = Options(until=Stage(until), lanes=int(lanes), limits=UNPACED)
with Ledger.open(Path(path)) as ledger, connect(url) as network:
    start = time.perf_counter()
    run_bulk(ledger, network, identity, Principal.from_text(canister), options)
    status = Path("/proc/self/status").read_text()
    print(json.dumps({"seconds": time.perf_counter() - start,
        "peak": int(status.partition("VmHWM:")[2].split()[0]) * 1024}))
"""
HARMS = ("drop_request", "drop_reply", "delay_request", "delay_reply", "duplicate", "429", "503")


# -- files ------------------------------------------------------------------------------------------------------


def write_happy(folder: Path, count: int, size: int) -> None:
    """Distinct photos of about `size` bytes."""
    base = sample_photo()
    for number in range(count):
        (folder / f"photo{number:05}.jpg").write_bytes(padded(base, number, size))


def padded(base: bytes, number: int, size: int) -> bytes:
    """A distinct file of at least `size` bytes that decodes as `base` does."""
    mark = b"%020d" % number
    return (base + mark).ljust(max(size, len(base) + len(mark)), b"\0")


def write_mixed(folder: Path, count: int, total: int) -> set[bytes]:
    """Files of mixed kinds and sizes, `total` bytes in all; 2 % are broken. Returns the hashes of the good ones."""
    dice = random.Random(count)  # noqa: S311 - repeatable
    bases = {path.suffix: path.read_bytes() for path in FIXTURES.iterdir() if path.suffix != ".md"}
    bases[".jpg"] = sample_photo()
    kinds = [".jpg"] * 14 + [".png", ".gif", ".mp4", ".pdf", ".txt", ".mp3"]
    starts = {".mp4": b"\0\0\0\x18ftypmp42", ".pdf": b"%PDF-1.7\n", ".txt": b"A note. ", ".mp3": b"ID3\x04"}
    weights = [dice.choice([0.03, 0.5, 1, 1, 2.5, 5]) for _ in range(count)]
    unit, good = total / sum(weights), set()
    for number, weight in enumerate(weights):
        ending = dice.choice(kinds)
        size = 1_000 + number if ending == ".txt" else int(weight * unit * 1.05)
        data = padded(bases.get(ending) or starts[ending], number, size)
        if number % 50 == 7:
            ending, data = broken(number // 50, number)
        else:
            good.add(hashlib.sha256(data).digest())
        (folder / f"file{number:05}{ending}").write_bytes(data)
    return good


def broken(kind: int, number: int) -> tuple[str, bytes]:
    """A file that cannot be stored, or not processed."""
    mark = b"%020d" % number
    return [
        (".jpg", b""),
        (".jpg", b"no photo at all" + mark),
        (".png", b"\x89PNG" + mark),
    ][kind % 3]


# -- a run ------------------------------------------------------------------------------------------------------


@dataclass
class World:
    """A served replica with a backend, and a folder."""

    url: str
    canister: Principal
    folder: Path
    seed: bytes
    network: Network

    @property
    def identity(self) -> Ed25519Identity:
        """The user."""
        return Ed25519Identity.from_seed(self.seed)

    @property
    def ledger(self) -> Path:
        """Where the run is written down."""
        return self.folder / f"{self.seed.hex()[:8]}.sqlite"


@contextmanager
def world(latency: str = "none") -> Iterator[World]:
    """A fresh replica and folder."""
    folder = Path(tempfile.mkdtemp(prefix="ic-harness-bulk-"))
    try:
        with served("", latency) as url, connect(url) as network:
            yield World(url, network.deploy(reference_wasm()), folder, secrets.token_bytes(32), network)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def add(place: World, folder: Path) -> None:
    """List the files of a folder."""
    with Ledger.open(place.ledger, create=True) as ledger:
        add_paths(ledger, [folder])


def go(place: World, *, until: str = "process", lanes: int = 48) -> dict[str, float]:
    """Run in a process of its own; its seconds and peak memory."""
    command = [
        *(
            sys.executable,
            "-c",
            CLIENT,
            place.url,
            str(place.canister),
            str(place.ledger),
            place.seed.hex(),
            until,
        ),
        str(lanes),
    ]
    figures: dict[str, float] = json.loads(subprocess.check_output(command))
    return figures


def tell(what: str, place: World, ran: dict[str, float], *, most_again: float | None = 1.05) -> None:
    """Print the figures of a run."""
    with LedgerView.open(place.ledger) as view:
        stats = view.stats()
        unique = stats.total - stats.duplicates
        failed = sum(stats.dead.values())
        show(f"{what}: files", stats.total, "")
        show(f"{what}: failed for good", failed, "")
        show(
            f"{what}: uploaded of those that can be",
            100 * stats.count(Stage.UPLOAD, State.DONE) / unique,
            "%",
        )
        show(f"{what}: time", ran["seconds"], "s")
        show(f"{what}: files a second", unique / ran["seconds"], "")
        show(f"{what}: originals", stats.bytes_done / ran["seconds"] / 1e6, "MB/s")
        show(f"{what}: bytes sent of bytes stored", stats.bytes_sent / stats.bytes_done, "x", most=most_again)
        show(f"{what}: peak memory of the coordinator", ran["peak"] / 1e6, "MB", most=300)
        for stage in (Stage.UPLOAD, Stage.PROCESS):
            ordered = view.latencies(stage)
            for share in (0.5, 0.95, 0.99):
                value = percentile(ordered, share)
                show(f"{what}: {stage} P{share * 100:.0f}", value or 0.0, "s")
        show(f"{what}: ledger", place.ledger.stat().st_size / 1e6, "MB")
        print(
            f"{what}: dead letters {dict(Counter(f'{x.stage} {x.cls}' for x in view.dead_letters()))}",
            flush=True,
        )


def check_stored(place: World, good: set[bytes]) -> None:
    """Count the originals on the backend by their hash; each good one must be there once."""
    counts: Counter[bytes] = Counter()
    with connect(place.url) as network, LedgerView.open(place.ledger) as view:
        backend = open_backend(network.agent(place.identity), place.canister)
        cursor = None
        while True:
            page = backend.memories_list(view.target()["capsule"], cursor, 100)
            for header in page.items:
                memory = backend.memories_read(header.id)
                metadata = [asset.metadata for asset in memory.blob_internal_assets]
                metadata += [asset.metadata for asset in memory.inline_assets]
                for base in (one.value.base for one in metadata):
                    if base.asset_type.value == "Original":
                        counts[base.sha256 or b""] += 1
            cursor = page.next_cursor
            if cursor is None:
                break
    missing = len(good - set(counts))
    twice = sum(count > 1 for count in counts.values())
    show("stored on the backend, by SHA-256", len(counts), "")
    show("good files that are missing there", missing, "", most=0.5)
    show("files that are there twice", twice, "", most=0.5)


def order(url: str, **fault: object) -> None:
    """Order a fault at the replica."""
    request = urllib.request.Request(f"{url}/_/faults", json.dumps(fault).encode(), method="POST")  # noqa: S310
    with urllib.request.urlopen(request) as answer:  # noqa: S310 - loopback
        answer.read()


def harm_calls(url: str, count: int, every: int) -> None:
    """Harm one of `every` calls, `count` of them, by every kind of harm in turn."""
    for number in range(count):
        seconds = {"seconds": 0.3} if HARMS[number % len(HARMS)].startswith("delay") else {}
        order(
            url,
            kind=HARMS[number % len(HARMS)],
            endpoint="call",
            after=every * number + every // 2,
            **seconds,
        )


@contextmanager
def when(place: World, share: float, act: Callable[[], None]) -> Iterator[None]:
    """Do something when a share of the files is uploaded; raises what it raised."""

    def wait() -> None:
        with LedgerView.open(place.ledger) as view:
            while True:
                stats = view.stats()
                if stats.count(Stage.UPLOAD, State.DONE) >= share * stats.total:
                    break
                time.sleep(0.05)
        act()

    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(wait)
        yield
        done.result()


# -- scenarios --------------------------------------------------------------------------------------------------


def happy(count: int = 100, megabytes: float = 1.0) -> None:
    """Nothing goes wrong."""
    with world() as place:
        photos = place.folder / "photos"
        photos.mkdir()
        write_happy(photos, count, int(megabytes * 1e6))
        add(place, photos)
        tell(f"{count} files of {megabytes:g} MB", place, go(place), most_again=1.0001)


def faults(count: int = 200, total: int = 400_000_000) -> None:
    """Two percent of files are broken, two percent of calls are harmed."""
    with world() as place:
        photos = place.folder / "photos"
        photos.mkdir()
        good = write_mixed(photos, count, total)
        add(place, photos)
        harm_calls(place.url, count // 4, 50)
        tell(f"{count} mixed files, 2 % faults", place, go(place))
        check_stored(place, good)


def full() -> None:
    """The whole size, and what a twentieth of it needs."""
    faults(100, 200_000_000)
    faults(2000, 4_100_000_000)


def limited() -> None:
    """The network refuses a fifth of all calls."""
    with world() as place:
        photos = place.folder / "photos"
        photos.mkdir()
        write_happy(photos, 100, 0)
        add(place, photos)
        for number in range(20):
            order(place.url, kind="429", endpoint="call", after=25 * number, times=5)
        tell("rate limited", place, go(place), most_again=None)  # what was refused had been sent


def cut() -> None:
    """Nothing gets through for many requests."""
    with world() as place:
        photos = place.folder / "photos"
        photos.mkdir()
        write_happy(photos, 100, 0)
        add(place, photos)
        with when(place, 0.3, lambda: order(place.url, kind="drop_request", endpoint=None, times=60)):
            tell("network cut", place, go(place))


def upgrade() -> None:
    """The backend is upgraded while files arrive."""
    with world() as place:
        photos = place.folder / "photos"
        photos.mkdir()
        write_happy(photos, 100, 1_000_000)
        add(place, photos)
        with when(
            place, 0.4, lambda: place.network.install(place.canister, reference_wasm(), mode="upgrade")
        ):
            tell("upgrade in the middle", place, go(place))


def users() -> None:
    """Three users at once."""
    with world() as place:
        places = [replace(place, seed=bytes([n]) * 32) for n in range(3)]
        ran: list[dict[str, float]] = []
        threads = []
        for number, user in enumerate(places):
            photos = place.folder / f"photos{number}"
            photos.mkdir()
            write_happy(photos, 60, 0)
            add(user, photos)
            threads.append(threading.Thread(target=lambda user=user: ran.append(go(user))))
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        show("three users: the slowest", max(one["seconds"] for one in ran), "s")
        show("three users: the fastest", min(one["seconds"] for one in ran), "s")


def lanes(count: int = 200) -> None:
    """Small photos on the embedded network, in this process: two ways in turn."""
    one, eight = [], []
    for turn in range(3):
        with tempfile.TemporaryDirectory() as name, embedded() as network:
            folder = Path(name)
            (folder / "photos").mkdir()
            write_happy(folder / "photos", count, 0)
            identity = Ed25519Identity.generate()
            canister = network.deploy(reference_wasm())
            backend = open_backend(network.agent(identity), canister)
            capsule = backend.capsules_create(None).id
            start = time.perf_counter()
            for path in sorted((folder / "photos").iterdir()):
                upload_photo(backend, path, capsule)
            one.append(count / (time.perf_counter() - start))
            with Ledger.open(folder / "bulk.sqlite", create=True) as ledger:
                add_paths(ledger, [folder / "photos"])
                other = network.deploy(reference_wasm())
                start = time.perf_counter()
                run_bulk(
                    ledger, network, identity, other, Options(until=Stage.PROCESS, lanes=8, limits=UNPACED)
                )
                eight.append(count / (time.perf_counter() - start))
        show(f"turn {turn}: upload, one after the other", one[-1], "/s")
        show(f"turn {turn}: bulk with 8 lanes", eight[-1], "/s")
    show("bulk with 8 lanes beside `upload`", sum(eight) / sum(one), "x")


def mainnet_large() -> None:
    """Bandwidth under the model of blocks."""
    with world("mainnet") as place:
        photos = place.folder / "photos"
        photos.mkdir()
        write_happy(photos, 40, 10_000_000)
        add(place, photos)
        ran = go(place, until="upload")
        tell("mainnet, 40 x 10 MB", place, ran)
        show("mainnet, 40 x 10 MB: originals", 40 * 10.0 / ran["seconds"], "MB/s", least=3.2)


def mainnet_small(count: int = 2000, until: str = "upload") -> None:
    """Latency under the model of blocks."""
    with world("mainnet") as place:
        photos = place.folder / "photos"
        photos.mkdir()
        write_happy(photos, count, 0)
        add(place, photos)
        ran = go(place, until=until)
        tell(f"mainnet, {count} x 68 kB", place, ran)
        with LedgerView.open(place.ledger) as view:
            first = view.rows("SELECT min(first_byte) AS at FROM file")[0]["at"]
            for stage in (Stage.UPLOAD, Stage.PROCESS):
                times = view.finished_times(stage)
                if times:
                    minutes = (times[-1][0] - first) / 60
                    show(f"mainnet, {count} x 68 kB: all through {stage}", minutes, "min", most=12)


def mainnet_all(count: int = 2000) -> None:
    """The same with derivatives."""
    mainnet_small(count, "process")


SCENARIOS: dict[str, Callable[..., None]] = {
    "happy": happy,
    "faults": faults,
    "full": full,
    "limited": limited,
    "cut": cut,
    "upgrade": upgrade,
    "users": users,
    "lanes": lanes,
    "mainnet-large": mainnet_large,
    "mainnet-small": mainnet_small,
    "mainnet-all": mainnet_all,
}


def main() -> None:
    """Run the scenarios that are named."""
    for name in sys.argv[1:] or ["happy", "faults", "limited", "cut", "upgrade", "users", "lanes"]:
        scenario, *numbers = name.split(":")
        SCENARIOS[scenario](*(float(number) if "." in number else int(number) for number in numbers))


if __name__ == "__main__":
    main()
