"""Searching by words and by likeness, and near-duplicates; on a ledger without a network."""

from __future__ import annotations

import hashlib
import io
import random

import pytest
from PIL import Image, ImageDraw, ImageEnhance

from ic_capsule.bulk import Ledger, NewFile, more_like, near_duplicates, search_text
from ic_capsule.bulk.embed import VisualEmbedder, visual
from ic_capsule.bulk.embedder import Embedder, load_embedder
from ic_harness.errors import ImageError, InputError


def picture(seed, size=(400, 300), spots=14):
    """A picture of coloured spots, another for each seed."""
    rng = random.Random(seed)
    made = Image.new("RGB", size, tuple(rng.randrange(256) for _ in range(3)))
    draw = ImageDraw.Draw(made)
    for _ in range(spots):
        x, y, r = rng.randrange(size[0]), rng.randrange(size[1]), rng.randrange(20, 90)
        draw.ellipse((x - r, y - r, x + r, y + r), fill=tuple(rng.randrange(256) for _ in range(3)))
    return made


def webp(image, quality=80):
    """A picture as a thumbnail."""
    out = io.BytesIO()
    image.save(out, "WEBP", quality=quality)
    return out.getvalue()


@pytest.fixture
def book():
    """A ledger in memory."""
    with Ledger.in_memory() as ledger:
        yield ledger


def add(ledger, name, image=None, facts=None, tags=()):
    """Add a file, with a vector and facts if there are any; returns its id."""
    sha256 = hashlib.sha256(name.encode()).digest()
    file = NewFile(
        path=f"/p/{name}".encode(), name=name, size=len(name), mtime_ns=0, sha256=sha256, kind="image",
        mime="image/jpeg", tags=tags,
    )  # fmt: skip
    ledger.add([file])
    file_id = ledger.file_at(f"/p/{name}".encode()).id
    if facts is not None:
        ledger.set_facts(file_id, facts)
        ledger.event("done", file_id)
    if image is not None:
        embedder = visual()
        ledger.set_embedding(sha256, embedder.name, embedder.dim, embedder.embed([webp(image)])[0])
    return file_id


FACTS = {
    "taken_at": "2024:07:09 18:30:00",
    "location": "47.37, 8.54",
    "title": "Zürich im Sommer",
    "tags": ["family"],
    "exif": '{"Make": "Fujifilm", "Model": "X-T5"}',
}


@pytest.mark.parametrize(
    "words",
    [
        "lake",
        "IMG 2041",
        "2041",
        "July",
        "july 2024",
        "2024-07-09",
        "zurich sommer",
        "fuji",
        "x-t5",
        "family",
        "lake fuji 9",
    ],
)
def test_words_find_a_photo(book, words):
    """Name, date, place, camera, title and tags are found by the start of each word, without accents."""
    wanted = add(book, "IMG_2041-lakeView.jpg", facts=FACTS)
    add(book, "other.jpg", facts={"taken_at": "2023:01:02 00:00:00", "exif": '{"Make": "Canon"}'})
    assert [hit.file.id for hit in search_text(book, words)] == [wanted]


@pytest.mark.parametrize("words", ["", "  ", "!!!", '"', "*"])
def test_a_search_needs_a_word(book, words):
    """Signs alone are refused by name."""
    with pytest.raises(InputError, match="no word"):
        search_text(book, words)


@pytest.mark.parametrize("words", ['a" OR "b', "name:x", "NEAR(a b)", "a AND", "x" * 3_000, "a " * 500])
def test_words_are_never_a_query(book, words):
    """What looks like the index's own language is words, of which there are none here."""
    add(book, "photo.jpg")
    assert search_text(book, words) == []


def test_the_index_follows(book):
    """What is added or told of a file later is found by the next search; what is no longer so is not."""
    first = add(book, "first.jpg")
    assert [hit.file.id for hit in search_text(book, "first")] == [first]
    second = add(book, "second.jpg")
    book.set_facts(first, {"title": "Harbour"})
    book.event("done", first)
    assert [hit.file.id for hit in search_text(book, "harbour")] == [first]
    assert [hit.file.id for hit in search_text(book, "second")] == [second]


def test_odd_facts_do_no_harm(book):
    """Dates, places and EXIF of any kind are indexed or left out."""
    for number, facts in enumerate(
        [
            {"taken_at": "0000:99:99"},
            {"exif": "{"},
            {"exif": "[1]"},
            {"tags": None, "title": 5},
            {"location": ["x"]},
        ]
    ):
        add(book, f"odd{number}.jpg", facts=facts)
    assert len(search_text(book, "odd")) == 5


def test_more_like_this(book):
    """The same motif in other light or size comes before other motifs; the photo itself is left out."""
    own = picture(1)
    asked = add(book, "own.jpg", own)
    near = [
        add(book, "brighter.jpg", ImageEnhance.Brightness(own).enhance(1.2)),
        add(book, "smaller.jpg", own.resize((200, 150))),
        add(book, "cropped.jpg", own.crop((10, 8, 396, 296))),
    ]
    for seed in range(2, 12):
        add(book, f"other{seed}.jpg", picture(seed))
    found = more_like(book, asked, limit=5)
    assert {hit.file.id for hit in found[:3]} == set(near)
    assert found[2].score > 0.9 > found[3].score + 0.05
    with pytest.raises(InputError, match="not searchable yet"):
        more_like(book, add(book, "new.jpg"))


def test_near_duplicates(book):
    """Scaled, recompressed and slightly brighter copies are one group, largest first; other motifs are in none."""
    own, other = picture(1), picture(2)
    group = {
        add(book, "the original file.jpg", own),
        add(book, "scaled.jpg", own.resize((160, 120))),
        add(book, "bright.jpg", ImageEnhance.Brightness(own).enhance(1.05)),
    }
    pair = {add(book, "b.jpg", other), add(book, "b again.jpg", other.resize((300, 225)))}
    for seed in range(3, 30):
        add(book, f"x{seed}.jpg", picture(seed))
    found = near_duplicates(book)
    assert sorted(({file.id for file in files} for files in found), key=len) == [pair, group]
    assert found[0][0].name == "the original file.jpg"


def test_the_embedder_is_installed():
    """`visual` is found by its entry point and is what a run asks for by default."""
    embedder = load_embedder()
    assert isinstance(embedder, VisualEmbedder)
    assert isinstance(embedder, Embedder)


@pytest.mark.parametrize("mode", ["plain", "grey", "tiny", "wide"])
def test_every_picture_has_a_vector(mode):
    """Plain, grey and odd pictures too: a vector of length 1, the same each time."""
    image = {
        "plain": Image.new("RGB", (64, 64), "white"),
        "grey": picture(3).convert("L").convert("RGB"),
        "tiny": Image.new("RGB", (1, 1), "red"),
        "wide": picture(4, (512, 3)),
    }[mode]
    embedder = visual()
    one, again = embedder.embed([webp(image)] * 2)
    values = memoryview(one).cast("f")
    assert (len(values), one) == (embedder.dim, again)
    assert sum(value * value for value in values) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("bad", [b"", b"RIFF", b"GIF89a" + bytes(50), webp(picture(1))[:200]])
def test_what_is_no_thumbnail(bad):
    """Bytes that are no picture, or half of one, are an ImageError and never another."""
    with pytest.raises(ImageError):
        visual().embed([bad])
