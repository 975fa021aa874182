"""The console script `pocket-ic-server`, with the arguments of PocketIC's server.

`--version` loads nothing else, because clients ask for it before they start the server.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from ic_harness.pocket_ic.environment import ICP_VARIABLE, served_version

MAX_TTL_S: Final = 10 * 365 * 24 * 3600


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program and return its exit status."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    from ic_harness.errors import HarnessError  # lazy: start-up time  # noqa: PLC0415
    from ic_harness.pocket_ic.server import ServerOptions, run  # lazy: start-up time  # noqa: PLC0415

    try:
        return run(
            ServerOptions(
                host=options.ip_addr,
                port=options.port,
                port_file=options.port_file,
                ttl_s=options.ttl,
                hard_ttl_s=options.hard_ttl,
                icp_folder=options.icp,
            )
        )
    except HarnessError as problem:
        sys.stderr.write(f"pocket-ic-server: {problem}\n")
        return 1


def version_text() -> str:
    """What `--version` prints; the environment variable sets another version for older or newer clients."""
    return f"pocket-ic-server {served_version()}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="pocket-ic-server",
        description="Serve PocketIC's REST interface with the embedded replica of ic-harness.",
    )
    parser.add_argument("--version", action="version", version=version_text())
    parser.add_argument(
        "-i", "--ip-addr", default="127.0.0.1", metavar="ADDRESS", help="address to listen on"
    )
    parser.add_argument("-p", "--port", type=_port, default=0, help="port to listen on; 0 takes a free one")
    parser.add_argument("--port-file", type=Path, metavar="FILE", help="file that receives the port")
    parser.add_argument(
        "--ttl", type=_seconds, default=60.0, metavar="SECONDS", help="end after so long idle"
    )
    parser.add_argument("--hard-ttl", type=_seconds, metavar="SECONDS", help="end after so long in any case")
    parser.add_argument(
        "--icp",
        type=_folder,
        default=os.environ.get(ICP_VARIABLE) or None,
        metavar="FOLDER",
        help=f"folder with modules of ICP's own canisters, for icp_features; or {ICP_VARIABLE}",
    )
    parser.add_argument("-l", "--log-levels", metavar="LEVELS", help="accepted and not used")
    parser.add_argument("--mainnet-routing-table", metavar="FILE", help="accepted and not used")
    parser.add_argument("--fetch-mainnet-routing-table", action="store_true", help="accepted and not used")
    parser.add_argument("--mainnet-registry-version", metavar="VERSION", help="accepted and not used")
    return parser


def _port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text[:9]) > 0xFFFF:
        raise argparse.ArgumentTypeError(f"a port is a number of 0 to 65535, not {text[:20]!r}")
    return int(text)


def _folder(text: str) -> Path:
    if not Path(text).is_dir():
        raise argparse.ArgumentTypeError(f"there is no folder {text[:200]!r}")
    return Path(text)


def _seconds(text: str) -> float:
    if not text.isascii() or not text.isdigit() or len(text) > 12 or int(text) > MAX_TTL_S:
        raise argparse.ArgumentTypeError(f"a time is a whole number of seconds, not {text[:20]!r}")
    return float(text)


if __name__ == "__main__":
    sys.exit(main())
