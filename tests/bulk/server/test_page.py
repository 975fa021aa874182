"""The page in Chromium, over a real run: a folder is dropped, a file is poisoned, the server is killed."""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import sys

import httpx
import pytest
from PIL import Image

from ic_capsule.bulk import Ledger, LedgerView, Stage, State
from tests.bulk.test_search import add, picture, webp
from tests.interop.conftest import unavailable
from tests.interop.toolbox import ToolMissingError

from .chromium import Browser
from .conftest import finish, new_file

pytestmark = [pytest.mark.interop, pytest.mark.slow]

PHOTOS = 199
POISON = "poisoned picture.jpg"
DONE = "Number(document.querySelector('#phase-{} [data-done]').textContent)"
WATCH = """(() => {
  globalThis.seen = { upload: new Set(), process: new Set(), embed: new Set() };
  for (const name of Object.keys(seen)) {
    const place = document.querySelector(`#phase-${name} [data-done]`);
    new MutationObserver(() => seen[name].add(Number(place.textContent))).observe(place, { childList: true });
  }
})()"""


@pytest.fixture
def browser():
    """Chromium."""
    try:
        opened = Browser()
    except ToolMissingError as missing:
        unavailable("chromium", missing)
    yield opened
    opened.close()


class Server:
    """`ic-harness bulk serve` as a process of its own, on one port, in one state folder."""

    def __init__(self, folder, *options):
        self._command = [
            sys.executable, "-m", "ic_harness.cli", "bulk", "serve", "--state-dir", str(folder), *options,
        ]  # fmt: skip
        self._port = "0"
        self.start()

    def start(self):
        """Start it, and wait until it says where it is."""
        self._process = subprocess.Popen(
            [*self._command, "--port", self._port], stdout=subprocess.PIPE, text=True, env=os.environ
        )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        found = re.search(r"http://.+", line)
        assert found is not None, line
        self.url = found[0]
        self._port = self.url.split(":")[2].split("/")[0]

    def stop(self, number):
        """End it by a signal, and wait."""
        self._process.send_signal(number)
        status = self._process.wait(60)
        assert self._process.stdout is not None
        self._process.stdout.close()
        return status


@pytest.fixture
def serving(tmp_path):
    """Start the server; it is ended afterwards."""
    started = []

    def start(*options):
        started.append(Server(tmp_path / "state", *options))
        return started[-1]

    yield start
    for server in started:
        server.stop(signal.SIGKILL)


@pytest.fixture
def folder(tmp_path):
    """A folder with 200 pictures, half of them in a folder in it, one of them poisoned; and a sidecar."""
    place, rng = tmp_path / "holiday", random.Random(7)
    (place / "second day").mkdir(parents=True)
    for number in range(PHOTOS):
        picture = Image.new("RGB", (8, 6))
        picture.putdata([tuple(rng.randrange(256) for _ in range(3)) for _ in range(48)])
        name = f"IMG_{number:04}.jpg"
        picture.resize((320, 240)).save(place / ("second day" if number % 2 else ".") / name)
    (place / POISON).write_bytes(b"\xff\xd8\xff\xe0" + b"poison" * 500)
    (place / ".DS_Store").write_bytes(b"sidecar")
    return place


def test_a_folder_of_two_hundred(browser, serving, folder, tmp_path):
    """Dropped, three phases move, a poisoned file fails and is retried, the server is killed, the page recovers."""
    server = serving()
    browser.open(server.url)
    browser.until("document.querySelector('#connection-text').textContent === 'Live'")
    browser.do("evaluate", expression=WATCH)
    browser.do("drop", selector="#drop", paths=[str(folder)])
    browser.until(f"{DONE.format('process')} >= 20")
    server.stop(signal.SIGKILL)
    browser.until("document.querySelector('#connection').classList.contains('lost')")
    stopped = browser.do("evaluate", expression=DONE.format("upload"))
    assert stopped < PHOTOS + 1, "the server was killed after the end"
    server.start()
    browser.until("document.querySelector('#connection-text').textContent === 'Live'")
    browser.until(f"{DONE.format('embed')} === {PHOTOS} && {DONE.format('upload')} === {PHOTOS + 1}", 240)
    for phase in ("upload", "process", "embed"):
        assert browser.do("evaluate", expression=f"seen['{phase}'].size") >= 5, phase

    retry = f'[aria-label="Retry {POISON}"]'
    browser.until(f"document.querySelector('{retry}')")
    with LedgerView.open(tmp_path / "state" / "bulk.sqlite") as view:
        before = view.last_event()
        browser.do("click", selector=retry)
        browser.until("document.querySelector('#failures').hidden === false")
        wait_for_event(browser, view, before, ("retried", "dead"))
        stats = view.stats()
        stored = {file.memory_id for file in view.every_file()}
    assert (stats.total, stats.count(Stage.UPLOAD, State.DONE), stats.dead) == (200, 200, {"invalid": 1})
    assert len(stored) == 200
    assert None not in stored
    assert [
        text for text in browser.do("errors") if "ERR_" not in text and "Failed to load" not in text
    ] == []


def wait_for_event(browser, view, after, kinds):
    """Wait until events of these kinds have come, in this order."""
    wanted = list(kinds)
    while wanted:
        for event in view.events(after):
            after = event.seq
            if wanted and event.type == wanted[0]:
                wanted.pop(0)
        browser.until("new Promise((go) => requestAnimationFrame(() => go(true)))")


@pytest.fixture
def many(tmp_path):
    """A ledger with ten thousand files: most done, one failed."""
    (tmp_path / "state").mkdir()
    with Ledger.open(tmp_path / "state" / "bulk.sqlite", create=True) as ledger:
        with ledger.transaction():
            ledger.add([new_file(number) for number in range(10_000)])
            ledger.add([new_file(10_000, name="no picture.jpg", sha256=None, problem="is empty")])
            finish(ledger, 9_000)
        yield ledger


def test_a_list_of_ten_thousand(browser, serving, many):
    """Only the rows in sight exist; the end is reached at once, by keyboard too, and search leaves the page quiet."""
    browser.open(serving("--page-only").url)
    browser.until("document.querySelector('.window')?.ariaRowCount === '10001'")
    assert browser.do("evaluate", expression="document.querySelectorAll('.row').length") < 60
    browser.until("document.querySelector('.row.failed .name')?.textContent === 'no picture.jpg'")
    browser.do("focus", selector=".window")
    browser.do("press", key="End")
    browser.until(
        "[...document.querySelectorAll('.name')].some((name) => name.textContent === 'IMG_9999.jpg')"
    )
    assert browser.do("evaluate", expression="document.querySelectorAll('.row').length") < 60
    assert browser.do("evaluate", expression=MOST_ROWS) < 60
    browser.do("focus", selector="#words")
    browser.do("type", text="IMG 4321")
    browser.do("press", key="Enter")
    browser.until("document.querySelectorAll('.picture').length === 1")
    assert browser.do("errors") == []


MOST_ROWS = """new Promise((done) => {
  const list = document.querySelector('.window'), step = list.scrollHeight / 60;
  let most = 0, left = 60;
  list.scrollTop = 0;
  const next = () => {
    most = Math.max(most, document.querySelectorAll('.row').length);
    list.scrollTop += step;
    left -= 1;
    if (left) requestAnimationFrame(next); else done(most);
  };
  requestAnimationFrame(next);
})"""
"""How many rows exist at most while the list is scrolled from end to end."""


ACTIVE = """(() => {
  const { ariaLabel, textContent, id } = document.activeElement;
  return ariaLabel || textContent.trim() || id;
})()"""


@pytest.mark.parametrize(
    ("scheme", "width"), [("light", 1280), ("dark", 1280), ("light", 360), ("dark", 360)]
)
def test_for_every_reader(browser, serving, many, scheme, width):
    """Axe finds no fault, nothing is wider than the screen, and Tab reaches what can be done, in order."""
    browser.open(serving("--page-only").url, scheme=scheme, width=width)
    browser.until("document.querySelectorAll('.row.ready').length > 5")
    assert browser.do("axe") == []
    assert browser.do("evaluate", expression="document.documentElement.scrollWidth") <= width
    reached = []
    for _ in range(11):
        browser.do("press", key="Tab")
        reached.append(browser.do("evaluate", expression=ACTIVE))
    assert reached[:9] == [
        "Skip to the files", "Choose a folder", "Choose files", "Retry all", "Files", "Failed", "Gallery", "words",
        "Search",
    ]  # fmt: skip
    assert "Retry no picture.jpg" in reached


@pytest.fixture
def alike(tmp_path):
    """A ledger with two pictures of one motif and another one, previews and vectors included."""
    (tmp_path / "state").mkdir()
    with Ledger.open(tmp_path / "state" / "bulk.sqlite", create=True) as ledger:
        small = picture(1).resize((200, 150))
        for name, image in (("a.jpg", picture(1)), ("a small.jpg", small), ("b.jpg", picture(2))):
            sha256 = ledger.file(add(ledger, name, image)).sha256
            assert sha256 is not None
            width, height = image.size
            ledger.set_preview(sha256, width, height, webp(image))
        finish(ledger, 3)
        yield ledger


def test_pictures(browser, serving, alike):
    """The gallery shows previews; one is opened, what looks like it is found, near-duplicates are groups."""
    browser.open(serving("--page-only").url)
    browser.until("document.querySelector('.window')?.ariaRowCount === '3'")
    browser.do("click", selector="[data-view=gallery]")
    browser.until("document.querySelectorAll('.picture').length === 3")
    browser.do("click", selector=".picture:has-text('b.jpg')")
    browser.until("document.querySelector('#detail').open")
    browser.until("document.querySelector('#detail-picture').naturalWidth > 0")
    assert browser.do("axe") == []
    browser.do("click", selector="#similar")
    browser.until("document.querySelector('#gallery-title').textContent === 'More like b.jpg'")
    browser.until("document.querySelectorAll('.picture').length === 2")
    browser.do("click", selector="#near")
    browser.until("document.querySelector('.group')?.textContent === '2 pictures look the same'")
    assert browser.do("texts", selector=".picture") == ["a small.jpg", "a.jpg"]
    assert browser.do("axe") == []
    assert browser.do("errors") == []


def test_a_token_and_a_limit(browser, serving, tmp_path):
    """With a token the printed address opens the page; a limit makes it wait and say so, and everything arrives."""
    place = tmp_path / "few"
    place.mkdir()
    for seed in range(5):
        (place / f"{seed}.webp").write_bytes(webp(picture(seed, (40, 30))))
    server = serving("--page-only", "--token", "a secret", "--limit", "3", "--per-minute", "60")
    assert httpx.get(server.url.partition("?")[0]).status_code == 401
    browser.open(server.url)
    assert "token" not in browser.do("evaluate", expression="location.href")
    browser.until("document.querySelector('#connection-text').textContent === 'Live'")
    browser.do("evaluate", expression=NOTICES)
    browser.do("drop", selector="#drop", paths=[str(place)])
    browser.until(
        "document.querySelector('.window').ariaRowCount === '5' && !document.querySelector('.row.sending')"
    )
    browser.until(
        "[...document.querySelectorAll('.row .state')].every((it) => it.textContent.includes('uploaded'))"
    )
    notices = browser.do("evaluate", expression="notices")
    assert any(re.fullmatch(r"Upload rate limited. Retrying in \d+s…", notice) for notice in notices)
    with LedgerView.open(tmp_path / "state" / "bulk.sqlite") as view:
        assert view.stats().total == 5


NOTICES = """(() => {
  globalThis.notices = [];
  const place = document.querySelector('#notice');
  new MutationObserver(() => notices.push(place.textContent)).observe(place, { childList: true });
})()"""


def test_without_scripts(browser, serving, many):
    """The page is a table with totals and buttons that work."""
    browser.open(serving("--page-only").url, script=False)
    assert browser.do("texts", selector="tbody tr:first-child th") == ["no picture.jpgis empty"]
    browser.do("click", selector="tbody tr:first-child button")
    browser.do("click", selector="a[rel=next]")
    assert browser.do("texts", selector="#drop:visible, #views:visible, .failures:visible") == []
    assert many.dead_letters() == []
