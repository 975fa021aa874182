"""URLs of networks: what is accepted as one, and how one is shown.

A URL may hold a user and a password, which reach the server only: no error, log or report shows them.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from ic_harness.errors import InputError


def checked_host(url: str) -> str:
    """The host of a network's URL, in lower case. Raises `InputError`, which shows no password."""
    try:
        parts = urlsplit(url)
        # Asking for the port is what checks it. 0 is legal: the port of a network that does not run yet.
        host, _ = parts.hostname, parts.port
    except ValueError:  # a port that is no number, a bracket that is not closed
        host = None
    if not host or parts.scheme not in {"http", "https"} or not url.isprintable():
        shown = public_url(url)
        raise InputError(f"{shown!r} is no address of a network: it must look like http://127.0.0.1:4943")
    return host


def public_url(url: str) -> str:
    """A URL without what may be secret in it: user, password, query string and fragment.

    Never raises: a text that is no URL is not shown, because any part of it may be secret.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return "(not shown: no URL)"
    if not parts.scheme or not host:
        return url if "@" not in url and len(url) <= 60 and len(url.split()) <= 1 else "(not shown: no URL)"
    shown = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{shown}{f':{port}' if port is not None else ''}{parts.path}"
