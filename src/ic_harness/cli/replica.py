"""`ic-harness replica`: the embedded Internet Computer for other programs, over HTTP on this machine."""

from __future__ import annotations

import json
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import click

from ic_harness import waiting

from .options import json_option, state_dir_option
from .place import Place


@click.group()
def replica() -> None:
    """Serve the embedded Internet Computer on this machine."""


@replica.command()
@click.option(
    "--port", type=click.IntRange(0, 65535), default=0, help="Port to listen on; 0 takes a free one."
)
@click.option(
    "--latency",
    type=click.Choice(["none", "mainnet"]),
    default="none",
    show_default=True,
    help="Let clients wait as on a real network.",
)
@click.option(
    "--nodes",
    type=click.IntRange(1, 100),
    default=13,
    show_default=True,
    help="Size of the subnet, for fees.",
)
@click.option(
    "--outcalls",
    type=click.Choice(["refuse", "live"]),
    default="refuse",
    show_default=True,
    help="What becomes of HTTPS outcalls: refused, or made by this machine.",
)
@state_dir_option
@json_option
def start(*, port: int, latency: str, nodes: int, outcalls: str, state_dir: Path, as_json: bool) -> None:
    """Serve until Ctrl-C or SIGTERM.

    Listens on 127.0.0.1 only. With --json the first line tells where: {"url": ..., "root_key": ...}.
    """
    from ic_harness.replica import serve  # lazy: start-up time  # noqa: PLC0415

    from .served import note_server  # lazy: start-up time  # noqa: PLC0415
    from .session import open_embedded  # lazy: start-up time  # noqa: PLC0415

    place = Place(network="embedded", identity=None, state_dir=state_dir)
    with _asked_to_stop() as stop, open_embedded(place, latency, nodes) as network:
        if outcalls == "live":
            network.outcalls.live()
        server = serve(network.replica, port=port)
        try:
            with note_server(state_dir, server.url):
                _announce(server.url, network.root_key, as_json=as_json)
                waiting.is_set(stop)
        finally:
            network.close()  # first: it answers the requests that wait for a canister, which the server waits for
            server.stop()


def _announce(url: str, root_key: bytes, *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps({"url": url, "root_key": root_key.hex()}))
    else:
        click.echo(f"serving at {url}  (Ctrl-C stops)")


@contextmanager
def _asked_to_stop() -> Iterator[threading.Event]:
    """Collect Ctrl-C and SIGTERM in an event, so that the state is closed in order."""
    asked = threading.Event()

    def ask(_signal: int, _frame: FrameType | None) -> None:
        asked.set()

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
