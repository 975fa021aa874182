"""`ic-harness call`: one call of one method, in textual Candid."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from .connection import ConnectionOptions
from .examples import examples
from .options import complete_later, connection_options, json_option

if TYPE_CHECKING:
    from ic_harness.agent import Agent
    from ic_harness.candid import Method
    from ic_harness.principal import Principal


_LONG_INT: Final = 10_000
"""Integers of more bits are hexadecimal texts in JSON."""


@examples(
    "ic-harness call backend greet '(\"Ada\")'",
    "ic-harness call ryjl3-tyaaa-aaaaa-aaaba-cai icrc1_symbol --network ic",
)
@click.command()
@click.argument("canister", shell_complete=complete_later("canisters"))
@click.argument("method", shell_complete=complete_later("methods"))
@click.argument("arguments", default="()")
@click.option("--query", is_flag=True, help="Ask for an uncertified answer; the default for query methods.")
@click.option("--update", is_flag=True, help="Ask for a certified answer, of a query method too.")
@click.option(
    "--candid", type=click.Path(path_type=Path), metavar="DID", help="The interface, if not published."
)
@connection_options
@json_option
def call(
    *,
    canister: str,
    method: str,
    arguments: str,
    query: bool,
    update: bool,
    candid: Path | None,
    connection: ConnectionOptions,
    as_json: bool,
) -> None:
    """Call METHOD of CANISTER with ARGUMENTS such as '("text", 42)' and print the reply.

    CANISTER is an id, or the name of a canister that was deployed from here or by dfx or icp, such as backend.
    With --json blobs are hexadecimal and principals are text.
    """
    from ic_harness.networks import encode_arguments, fetch_interface, find_method  # lazy: start-up time  # noqa: PLC0415

    from .interfaces import interface_file  # lazy: start-up time  # noqa: PLC0415
    from .session import open_session  # lazy: start-up time  # noqa: PLC0415

    if query and update:
        raise click.UsageError("--query and --update exclude each other")
    given = interface_file(candid) if candid else None
    with open_session(connection) as session:
        target = session.target(canister)
        agent = session.agent()
        known = find_method(given or fetch_interface(agent, target), method)
        certified = update or not (query or known.mode in ("query", "composite_query"))
        argument = encode_arguments(arguments, known.arg_types)
        _show(known, _ask(agent, target, method, argument, certified=certified), as_json=as_json)


def _ask(agent: Agent, canister: Principal, method: str, argument: bytes, *, certified: bool) -> bytes:
    send = agent.update if certified else agent.query
    return send(canister, method, argument)


def _show(method: Method, reply: bytes, *, as_json: bool) -> None:
    from ic_harness.candid import decode, format_values  # lazy: start-up time  # noqa: PLC0415

    values = decode(reply, method.return_types)
    if as_json:
        click.echo(json.dumps([_plain(value) for value in values]))
    else:
        click.echo(format_values(values, method.return_types))


def _plain(value: Any) -> Any:
    """Convert a decoded value into JSON values."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, int) and value.bit_length() > _LONG_INT:
        return hex(value)  # Python refuses to write integers of more than 4,300 decimal digits
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)  # JSON cannot express it
    return value if isinstance(value, bool | int | float | str | None) else str(value)
