"""The web page of a bulk run: drop a folder, watch its stages live, retry, look and search."""

from ic_capsule.bulk.server.app import create_app
from ic_capsule.bulk.server.config import WebConfig
from ic_capsule.bulk.server.serving import is_loopback, listen, new_token, serve

__all__ = ["WebConfig", "create_app", "is_loopback", "listen", "new_token", "serve"]
