"""The document around a page: its policy allows the style, the script and the pictures that it has, and no others."""

from __future__ import annotations

import base64
import hashlib
import html
import re

import pytest

from ic_harness.testing.report.html.document import document
from ic_harness.testing.report.html.markup import tag


def policy_of(page: str) -> list[str]:
    """Return the rules of a page's content security policy."""
    found = re.search(r'<meta http-equiv="Content-Security-Policy" content="([^"]*)">', page)
    assert found
    return html.unescape(found[1]).split("; ")


def source(kind: str, page: str) -> str:
    """Return the rule that allows the only style or script of a page, and nothing else."""
    inside = re.findall(rf"<{kind}>(.*?)</{kind}>", page, re.DOTALL)
    assert len(inside) == 1
    digest = base64.b64encode(hashlib.sha256(inside[0].encode()).digest()).decode()
    return f"{kind}-src 'sha256-{digest}'"


@pytest.mark.parametrize("pictures", [False, True])
@pytest.mark.parametrize("script", ["", "document.title = 'a && b';"])
@pytest.mark.parametrize("styles", [[], ["p { color: red }", "a > b { color: blue }"]])
def test_the_policy_allows_what_the_page_has(styles, script, pictures):
    """Scripts and inline pictures are forbidden to a page without them; further styles count with the report's own."""
    page = document("Title", tag("main"), styles=styles, script=script, pictures=pictures)
    assert policy_of(page) == [
        "default-src 'none'",
        *(["img-src data:"] if pictures else []),
        source("style", page),
        *([source("script", page)] if script else []),
        "base-uri 'none'",
        "form-action 'none'",
    ]
    assert all(style in page for style in styles)
    assert ("<script" in page) == bool(script)


def test_texts_are_escaped():
    """A title and a content that are no markup are texts."""
    page = document("</title><b>", "<i>")
    assert "<b>" not in page
    assert "<i>" not in page
    assert page.startswith('<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">')
