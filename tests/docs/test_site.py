"""The site builds without warnings, and a page of it loads nothing from elsewhere."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from importlib.util import find_spec

import pytest
import yaml

from .snippets import DOCS, PAGES, ROOT

REQUIRED = "IC_HARNESS_REQUIRE_INTEROP"
CONFIG = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")


class _Loader(yaml.SafeLoader):
    """Reads `mkdocs.yml`, whose tags name Python functions of plugins."""


_Loader.add_multi_constructor("tag:yaml.org,2002:python/name:", lambda _loader, name, _node: name)


def navigation() -> list[str]:
    """The pages of the navigation, in order."""

    def flatten(entry) -> list[str]:
        if isinstance(entry, str):
            return [entry]
        values = entry.values() if isinstance(entry, dict) else entry
        return [page for value in values for page in flatten(value)]

    return flatten(yaml.load(CONFIG, _Loader)["nav"])


def test_every_page_is_in_the_navigation():
    """A page that no menu leads to would not be found; one that does not exist would be a dead entry."""
    pages = navigation()
    assert sorted(pages) == sorted(path.relative_to(DOCS).as_posix() for path in PAGES)
    assert len(pages) == len(set(pages))


class _Loads(HTMLParser):
    """Collects what a browser fetches by itself when it shows a page."""

    def __init__(self) -> None:
        super().__init__()
        self.urls: list[str] = []

    def handle_starttag(self, tag, attrs):
        given = {name: value or "" for name, value in attrs}
        if tag in ("img", "script", "iframe", "source", "video", "audio", "embed", "object"):
            self.urls += [given.get("src", ""), given.get("data", "")]
        if tag == "link" and given.get("rel") not in ("canonical", "prev", "next"):
            self.urls.append(given.get("href", ""))
        self.urls += re.findall(r"url\(\s*['\"]?([^)'\"]+)", given.get("style", ""))


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The built site. Skipped without mkdocs, which CI may not be."""
    if find_spec("mkdocs") is None:
        if os.environ.get(REQUIRED):
            pytest.fail("mkdocs is missing: python3 scripts/bootstrap.py docs")
        pytest.skip("mkdocs is missing: python3 scripts/bootstrap.py docs")
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.mark.slow
def test_nothing_is_loaded_from_elsewhere(site):
    """Pages and style sheets name files of the site only, so that it can be read offline and reports to no server."""
    outside = []
    for page in site.rglob("*.html"):
        seen = _Loads()
        seen.feed(page.read_text(encoding="utf-8"))
        outside += [(page.name, url) for url in seen.urls if re.match(r"(?:https?:)?//", url)]
    for style in site.rglob("*.css"):
        urls = re.findall(r"url\(\s*['\"]?((?:https?:)?//[^)'\"]+)", style.read_text(encoding="utf-8"))
        outside += [(style.name, url) for url in urls]
    assert outside == []


@pytest.mark.slow
def test_the_reference_has_the_public_names(site):
    """The reference is made from docstrings: it has the fixtures and the operations of canisters."""
    text = "\n".join(page.read_text(encoding="utf-8") for page in (site / "reference").rglob("*.html"))
    for name in (
        "plugin.fixtures.ic_deploy",
        "Lifecycle.upgrade",
        "Clock.advance",
        "reverts",
        "HarnessError",
    ):
        assert name in text, name


@pytest.mark.slow
def test_the_reference_shows_constructors(site):
    """The parameters of a data class are those of its fields."""
    text = (site / "reference" / "candid.html").read_text(encoding="utf-8")
    signature = re.sub(r"<[^>]+>", "", text[text.index('id="ic_harness.candid.FuncRef"') :][:4000])
    assert re.search(r"FuncRef\(\s*principal: Principal,\s*method: str\s*\)", signature), signature


@pytest.mark.slow
def test_marks_for_the_tests_are_not_shown(site):
    """Why a snippet is not run concerns the tests of this project, not its readers."""
    shown = [page.name for page in site.rglob("*.html") if "not run:" in page.read_text(encoding="utf-8")]
    assert shown == []


@pytest.mark.slow
def test_the_reference_has_every_command(site):
    """Commands, those of groups too, and pytest's options are on their page."""
    text = (site / "reference" / "commands.html").read_text(encoding="utf-8")
    for name in (
        "ic-harness gate",
        "ic-harness identity list",
        "ic-harness bulk run",
        "--ic-profile",
        "--canister-id",
    ):
        assert name in text, name
