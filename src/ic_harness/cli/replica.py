"""`ic-harness replica`: the embedded Internet Computer for other programs, over HTTP on this machine."""

from __future__ import annotations

import json
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import click

from ic_harness import waiting
from ic_harness.project_file import read_project_file

from .connection import ConnectionOptions
from .examples import examples
from .groups import SuggestingGroup
from .instructions import INSTRUCTIONS
from .options import json_option, state_dir_option


@examples("ic-harness replica start")
@click.group(cls=SuggestingGroup)
def replica() -> None:
    """Serve the embedded Internet Computer on this machine."""


@examples("ic-harness replica start --port 8080 --state-dir .ic-harness")
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
    help="Size of the subnet, by which everything is paid.",
)
@click.option(
    "--cost-schedule",
    type=click.Choice(["normal", "free"]),
    default="normal",
    show_default=True,
    help="Whether canisters pay cycles as on mainnet, or nothing.",
)
@click.option(
    "--subnets",
    metavar="KIND[=N],…",
    help="Subnets of a new network, such as application=2,nns; one application subnet by default.",
)
@click.option(
    "--slice-instructions",
    type=INSTRUCTIONS,
    help="Instructions, such as 20M, after which a message goes on in the next round; 2B by default.",
)
@click.option(
    "--round-instructions",
    type=INSTRUCTIONS,
    help="Instructions, such as 1B, after which a canister begins no further message in a round; 4B by default.",
)
@click.option(
    "--threshold-key",
    "threshold_keys",
    multiple=True,
    metavar="NAME",
    help="A further threshold key; repeatable. The state folder does not keep it.",
)
@click.option(
    "--outcalls",
    type=click.Choice(["refuse", "live"]),
    default="refuse",
    show_default=True,
    help="HTTPS outcalls: refused, or made by this machine.",
)
@click.option(
    "--durable",
    is_flag=True,
    help="Force every round to the disk before it is answered, against power cuts.",
)
@click.option(
    "--icp",
    type=click.Choice(["stand-ins", "project", "none"]),
    help="ICP ledger, cycles ledger and others at their mainnet ids: our stand-ins, or modules that [icp] of "
    "ic-harness.toml names; by default those of [icp] where there is one.",
)
@state_dir_option
@json_option
def start(
    *,
    port: int,
    latency: str,
    nodes: int,
    cost_schedule: str,
    subnets: str | None,
    slice_instructions: int | None,
    round_instructions: int | None,
    threshold_keys: tuple[str, ...],
    outcalls: str,
    durable: bool,
    icp: str | None,
    state_dir: Path,
    as_json: bool,
) -> None:
    """Serve until Ctrl-C or SIGTERM.

    Listens on 127.0.0.1 only. With --json the first line is {"url": ..., "root_key": ...}.
    """
    from ic_harness.replica import serve  # lazy: start-up time  # noqa: PLC0415

    from .server_lock import hold_server_lock  # lazy: start-up time  # noqa: PLC0415
    from .session import open_embedded  # lazy: start-up time  # noqa: PLC0415

    connection = ConnectionOptions(network="embedded", identity=None, state_dir=state_dir)
    with (
        _asked_to_stop() as stop,
        open_embedded(
            connection,
            latency,
            nodes,
            cost_schedule=cost_schedule,
            subnets=subnets,
            durable=durable,
            icp=_icp(icp),
            threshold_keys=threshold_keys,
            **_given(slice_instructions=slice_instructions, round_instructions=round_instructions),
        ) as network,
    ):
        if outcalls == "live":
            network.outcalls.live()
        server = serve(network.replica, port=port)
        try:
            with hold_server_lock(state_dir, server.url):
                _announce(server.url, network.root_key, as_json=as_json)
                waiting.is_set(stop)
        finally:
            network.close()  # first: it answers the requests that wait for a canister, which the server waits for
            server.stop()


def _given(**values: int | None) -> dict[str, Any]:
    """Return the options that were given."""
    return {name: value for name, value in values.items() if value is not None}


def _icp(given: str | None) -> str | None:
    """Return the choice of ICP's own canisters for the network; None for none of them."""
    if given is None:
        return "project" if "icp" in (read_project_file(Path()) or {}) else None
    return None if given == "none" else given


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
