"""Display, thumbnail and placeholder: their sizes, that they are upright, and what odd images become."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
import zlib
from contextlib import suppress

import PIL
import pytest
from PIL import Image, ImageCms, ImageOps

from ic_capsule.uploads import derivatives, make_large_jpeg, sample_photo
from ic_capsule.uploads.derivatives import fitted, render
from ic_harness.errors import ImageError


@pytest.fixture
def photos(request):
    """The folder of the photographs."""
    return request.config.rootpath / "fixtures" / "photos"


def rendered(data, name="photo"):
    """Render bytes, and decode what came out."""
    result = render(io.BytesIO(data), name)
    return result.facts, {kind: opened(blob) for kind, (_, _, blob) in result.images.items()}


def opened(data):
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def encoded(image, form, **options):
    """An image as a file of some format."""
    out = io.BytesIO()
    image.save(out, form, **options)
    return out.getvalue()


def average(image):
    """The mean colour of an image."""
    return image.convert("RGB").resize((1, 1), Image.Resampling.BOX).getpixel((0, 0))


def close(a, b, tolerance=6):
    """Whether two colours are about the same."""
    return all(abs(x - y) <= tolerance for x, y in zip(a, b, strict=True))


def test_sizes_of_a_large_photo():
    """The long edges are 2048, 512 and 32, in WebP, with the reported sizes."""
    result = render(io.BytesIO(make_large_jpeg(5_000_000)), "large")
    edges = {kind: max(width, height) for kind, (width, height, _) in result.images.items()}
    assert edges == {"Display": 2048, "Thumbnail": 512, "Placeholder": 32}
    for width, height, data in result.images.values():
        image = opened(data)
        assert (image.format, image.size) == ("WEBP", (width, height))
    assert len(result.images["Placeholder"][2]) < 1000


def test_nothing_is_enlarged():
    """A small image keeps its size in every derivative that would be larger."""
    small = encoded(Image.new("RGB", (40, 20), "red"), "PNG")
    _, images = rendered(small)
    assert [image.size for image in images.values()] == [(40, 20), (40, 20), (32, 16)]


@pytest.mark.parametrize(
    ("size", "edge", "expected"),
    [
        ((4000, 3000), 2048, (2048, 1536)),
        ((3000, 4000), 512, (384, 512)),
        ((100, 50), 2048, (100, 50)),
        ((60_000, 2), 32, (32, 1)),
    ],
)
def test_fitted(size, edge, expected):
    """Sizes keep their proportions, are never enlarged, and never vanish."""
    assert fitted(size, edge) == expected


def test_photo_that_lies_on_its_side(photos):
    """EXIF orientation is applied to the derivatives; the original is described as it is stored."""
    data = (photos / "rocket-sideways.jpg").read_bytes()
    facts, images = rendered(data)
    stored = opened(data)
    upright = ImageOps.exif_transpose(stored)
    assert (facts["width"], facts["height"]) == stored.size
    assert facts["orientation"] == 6
    assert images["Display"].size == upright.size != stored.size
    left = average(images["Display"].crop((0, 0, 100, 100)))
    assert close(left, average(upright.crop((0, 0, 100, 100))))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation(orientation):
    """Each of the eight orientations puts the same corner where a viewer shows it."""
    image = Image.new("RGB", (64, 32), "white")
    image.paste("red", (0, 0, 16, 16))
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encoded(image, "JPEG", quality=95, exif=exif)
    expected = ImageOps.exif_transpose(opened(data))
    _, images = rendered(data)
    assert images["Display"].size == expected.size
    for box in ((0, 0, 10, 10), (expected.width - 10, expected.height - 10, *expected.size)):
        assert close(average(images["Display"].crop(box)), average(expected.crop(box)), 12)


def test_alpha_is_kept(photos):
    """A PNG with alpha results in derivatives with alpha."""
    data = (photos / "coffee-alpha.png").read_bytes()
    facts, images = rendered(data)
    assert facts["mime_type"] == "image/png"
    for image in images.values():
        assert image.mode == "RGBA"
        low, high = image.getchannel("A").getextrema()
        assert low < 50
        assert high > 200


def test_animation_gives_its_first_frame(photos):
    """Of an animated GIF with a palette the first frame is taken, in its colours."""
    data = (photos / "chelsea-animated.gif").read_bytes()
    facts, images = rendered(data)
    first = opened(data).convert("RGB")
    assert facts["mime_type"] == "image/gif"
    assert getattr(images["Display"], "n_frames", 1) == 1
    corner = (0, 0, first.width // 3, first.height // 3)
    assert close(average(images["Display"].crop(corner)), average(first.crop(corner)))


def test_transparent_palette():
    """A palette with a transparent colour becomes alpha."""
    image = Image.new("P", (10, 10), 0)
    image.putpalette([255, 0, 0, 0, 255, 0])
    _, images = rendered(encoded(image, "GIF", transparency=0))
    assert images["Display"].getchannel("A").getextrema() == (0, 0)


@pytest.mark.parametrize(
    ("image", "form", "expected"),
    [
        (Image.new("CMYK", (20, 20), (0, 255, 255, 0)), "JPEG", (255, 0, 0)),
        (Image.new("L", (20, 20), 120), "JPEG", (120, 120, 120)),
        (Image.new("1", (20, 20), 1), "PNG", (255, 255, 255)),
        (Image.new("LA", (20, 20), (80, 255)), "PNG", (80, 80, 80)),
        (Image.new("I;16", (20, 20), 0x8000), "PNG", (128, 128, 128)),
        (Image.new("F", (20, 20), 0.5), "TIFF", None),
        (Image.new("RGB", (20, 20), (10, 200, 30)), "BMP", (10, 200, 30)),
        (Image.new("RGB", (20, 20), (10, 200, 30)), "WEBP", (10, 200, 30)),
        (Image.new("RGB", (20, 20), (10, 200, 30)), "TIFF", (10, 200, 30)),
    ],
    ids=["cmyk", "grey", "bits", "grey-alpha", "16-bit", "float", "bmp", "webp", "tiff"],
)
def test_odd_samples(image, form, expected):
    """Samples of every kind become eight-bit RGB of the same colour."""
    _, images = rendered(encoded(image, form))
    assert images["Display"].mode in ("RGB", "RGBA")
    if expected:
        assert close(average(images["Display"]), expected, 12)


def test_colours_are_converted():
    """Pixels with a colour profile of their own become sRGB, and the profile is named."""
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("XYZ")).tobytes()
    image = Image.new("RGB", (20, 20), (128, 128, 128))
    broken = rendered(encoded(image, "PNG", icc_profile=b"no profile"))
    odd = rendered(encoded(image, "PNG", icc_profile=lab))
    plain = rendered(encoded(image, "PNG"))
    assert plain[0]["color_space"] == "sRGB"
    assert broken[0]["color_space"] == "unknown"
    assert close(average(broken[1]["Display"]), (128, 128, 128))
    assert odd[1]["Display"].mode == "RGB"


def test_what_the_camera_wrote(photos):
    """When and how a photo was taken is read from its EXIF tags."""
    facts, _ = rendered((photos / "rocket-sideways.jpg").read_bytes())
    assert facts["taken_at"]
    assert facts["taken_at_offset"]
    assert "DateTimeOriginal" in facts["exif"]


def png(width, height):
    """A PNG of a few bytes that claims a size."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = [(b"IHDR", header), (b"IDAT", zlib.compress(bytes(1000))), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"plain text", "not an image"),
        (b"\xff\xd8\xff" + bytes(50), "not an image"),
        (sample_photo()[:30_000], "truncated"),
        (png(60_000, 60_000), "too many pixels"),
        (png(12_000, 12_000), "too many pixels"),
        (png(100, 100), "cannot be decoded"),
    ],
    ids=["text", "jpeg-start", "truncated", "bomb", "large", "no-pixels"],
)
def test_bad_images_are_refused(data, words):
    """What cannot be decoded safely is refused in one sentence with the name."""
    with pytest.raises(ImageError, match=words) as caught:
        render(io.BytesIO(data), "bad.png")
    assert str(caught.value).startswith("bad.png")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("seed", range(40))
def test_damaged_images_end_in_one_error(photos, seed):
    """Whatever bytes are damaged, the outcome is derivatives or an `ImageError`, never another exception."""
    import random

    dice = random.Random(seed)
    sources = [path for path in sorted(photos.iterdir()) if path.suffix != ".md"]
    data = bytearray(sources[seed % len(sources)].read_bytes()[:60_000])
    for _ in range(dice.randrange(1, 40)):
        data[dice.randrange(min(len(data), 2_000 if seed % 2 else len(data)))] = dice.randrange(256)
    with suppress(ImageError):
        assert len(render(io.BytesIO(bytes(data)), "damaged").images) == 3


@pytest.mark.parametrize("data", [b"", b"no image", b"\xff\xd8\xff"])
def test_a_format_that_pillow_lacks_is_no_bad_image(monkeypatch, data):
    """A Pillow that is too old is named with its version; the photo is not blamed."""
    monkeypatch.setattr(derivatives, "FORMATS", (*derivatives.FORMATS, "NOPE"))
    with pytest.raises(RuntimeError, match="does not read NOPE") as caught:
        render(io.BytesIO(data), "photo")
    assert PIL.__version__ in str(caught.value)


@pytest.mark.parametrize(
    "error", [KeyError, AttributeError, TypeError, ValueError, OSError, ZeroDivisionError]
)
@pytest.mark.parametrize("place", ["_render_all", "_facts", "_decide_scale", "_corrected"])
def test_a_fault_of_ours_is_no_bad_image(monkeypatch, place, error):
    """What our own code raises by mistake stays what it is."""
    monkeypatch.setattr(derivatives, place, raising(error))
    with pytest.raises(error, match="ours"):
        render(io.BytesIO(sample_photo()), "photo")


def test_a_missing_part_of_pillow_is_no_bad_image(monkeypatch):
    """A decoder that was left out of the installation raises ImportError wherever it is first used."""
    monkeypatch.setattr(ImageCms, "ImageCmsProfile", raising(ImportError))
    photo = Image.new("RGB", (8, 8))
    profiled = encoded(photo, "PNG", icc_profile=b"profile")
    with pytest.raises(ImportError, match="ours"):
        render(io.BytesIO(profiled), "photo")


def raising(error):
    """A function that raises `error` as code of the module under test would: compiled under its file name."""
    space = {"error": error}
    exec(compile("def fail(*_): raise error('ours')", derivatives.__file__, "exec"), space)
    return space["fail"]


def test_worker_imports_little():
    """The worker program loads neither the clients nor a network, so that it starts fast."""
    code = "import sys, runpy; runpy.run_path(sys.argv[1]); print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-P", "-c", code, derivatives.__file__], capture_output=True, text=True, check=True
    )
    loaded = set(done.stdout.split())
    assert not {"pydantic", "httpx", "ic_capsule.uploads", "ic_capsule.backend"} & loaded
