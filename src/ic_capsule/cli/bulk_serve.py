"""`ic-harness bulk serve`: the page of a run, and the run itself in a thread beside it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import click

from ic_harness import waiting
from ic_harness.cli.connection import ConnectionOptions
from ic_harness.cli.examples import examples
from ic_harness.cli.options import connection_options
from ic_harness.errors import InputError

from .bulk import LEDGER, ledger_option
from .options import canister_id_option

if TYPE_CHECKING:
    from ic_capsule.bulk import Options
    from ic_capsule.bulk.server import WebConfig
    from ic_harness.cli.session import Session

SPOOL: Final = "bulk-files"


@examples("ic-harness bulk serve --port 8090")
@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port", type=click.IntRange(0, 65_535), default=8765, show_default=True, help="0: any free one."
)
@click.option(
    "--token",
    metavar="TEXT",
    help="Token that callers must send. Generated when other machines can reach the address.",
)
@click.option(
    "--limit",
    type=click.IntRange(min=0),
    metavar="COUNT",
    help="Uploads a user may begin at once; 0: any number. 100 with a token, else 0.",
)
@click.option(
    "--per-minute",
    type=click.FloatRange(min=0.1),
    default=10.0,
    show_default=True,
    help="Uploads a minute that a user gets back.",
)
@click.option(
    "--page-only", is_flag=True, help="Do not run the ledger: `bulk run` does so in another process."
)
@click.option("--capsule", metavar="ID", help="Capsule to store into; without it the caller's own.")
@click.option("--embedder", default="visual", show_default=True, help="Name of an installed embedder.")
@click.option("--weights", type=click.Path(path_type=Path, exists=True), help="Weights of the embedder.")
@canister_id_option
@ledger_option
@connection_options
def serve(
    *,
    host: str,
    port: int,
    token: str | None,
    limit: int | None,
    per_minute: float,
    page_only: bool,
    ledger: Path | None,
    connection: ConnectionOptions,
    **rest: Any,
) -> None:
    """Serve a page that takes folders by drag and drop, shows the run live, and searches it.

    Files that are dropped join the run that this command makes beside the page. Only this machine reaches the page,
    unless --host says otherwise: then callers need the token in the address that is printed.
    """
    try:
        from ic_capsule.bulk import server  # lazy: start-up time  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise InputError(f"the page needs {error.name}: pip install 'ic-harness[bulk]'") from error

    if token is None and not server.is_loopback(host):
        token = server.new_token()
    config = server.WebConfig(
        ledger=ledger or connection.state_dir / LEDGER,
        spool=connection.state_dir / SPOOL,
        token=token,
        capacity=(100 if token else 0) if limit is None else limit,
        per_minute=per_minute,
    )
    listening = server.listen(host, port)
    name = f"[{host}]" if ":" in host else host
    address = f"http://{name}:{listening.getsockname()[1]}/" + (
        f"?token={quote(token, safe='')}" if token else ""
    )

    def started() -> None:
        click.echo(f"Bulk upload: {address}")
        click.echo("Ctrl-C stops it; unfinished uploads continue at the next start.")

    with listening:
        if page_only:
            asyncio.run(server.serve(config, listening, started=started))
            return
        _serve_and_run(
            config,
            connection,
            rest,
            lambda until: server.serve(config, listening, started=started, until=until),
        )


def _serve_and_run(
    config: WebConfig,
    connection: ConnectionOptions,
    rest: dict[str, Any],
    serving: Callable[[asyncio.Future[None]], Awaitable[None]],
) -> None:
    from ic_harness.cli.session import open_session  # lazy: start-up time  # noqa: PLC0415

    with open_session(connection) as session:
        engine = Engine(config.ledger, session, rest)
        engine.start()
        try:
            asyncio.run(_until_either(engine, serving))
        finally:
            engine.stop()


async def _until_either(engine: Engine, serving: Callable[[asyncio.Future[None]], Awaitable[None]]) -> None:
    await serving(asyncio.wrap_future(engine.ended))


class Engine(threading.Thread):
    """The run in a thread with an event loop of its own, so that image work never delays the page.

    `ended` is done when the run is: only by an error, or by `stop`.
    """

    def __init__(self, ledger: Path, session: Session, rest: dict[str, Any]) -> None:
        super().__init__(name="ic-harness-bulk-run", daemon=True)
        self._ledger = ledger
        self._session = session
        self._rest = rest
        self._loop = asyncio.new_event_loop()
        self._task: asyncio.Task[None] | None = None
        self._ready = threading.Event()
        self.ended: Future[None] = Future()

    def run(self) -> None:
        """Run the ledger until `stop`."""
        asyncio.set_event_loop(self._loop)
        self._task = self._loop.create_task(self._work())
        self._ready.set()
        try:
            self._loop.run_until_complete(self._task)
        except asyncio.CancelledError:
            self.ended.set_result(None)
        except Exception as error:  # noqa: BLE001 - raised again in the main thread
            self.ended.set_exception(error)
        else:
            self.ended.set_result(None)
        finally:
            self._loop.run_until_complete(self._loop.shutdown_default_executor())
            self._loop.close()

    async def _work(self) -> None:
        from ic_capsule.bulk import Ledger, load_embedder, run_bulk_async  # lazy: start-up time  # noqa: PLC0415

        from .session import backend_canister  # lazy: start-up time  # noqa: PLC0415

        rest = self._rest
        model = load_embedder(rest["embedder"], rest["weights"])
        with Ledger.open(self._ledger, create=True) as book:
            await run_bulk_async(
                book,
                self._session.network,
                self._session.identity,
                backend_canister(self._session, rest["canister_id"]),
                _options(self._session, embeds=model is not None),
                embedder=model,
                capsule=rest["capsule"],
            )

    def stop(self) -> None:
        """End the run and wait for it; the next start continues it."""
        waiting.is_set(self._ready)
        if self._task is not None and not self.ended.done():
            self._loop.call_soon_threadsafe(self._task.cancel)
        waiting.join(self)


def _options(session: Session, *, embeds: bool) -> Options:
    from ic_capsule.bulk import Options, Stage  # lazy: start-up time  # noqa: PLC0415

    from .bulk import limits_of  # lazy: start-up time  # noqa: PLC0415

    until = Stage.EMBED if embeds else Stage.PROCESS
    return Options(forever=True, until=until, limits=limits_of(session.network, None, None))
