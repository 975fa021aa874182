"""The group `ic-harness bulk` with all its commands."""

from __future__ import annotations

from .bulk import bulk
from .bulk_search import search
from .bulk_serve import serve

bulk.add_command(serve)
bulk.add_command(search)
