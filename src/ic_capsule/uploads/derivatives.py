"""Renders the derivatives of a photo (`ic_capsule.assets`); the only module of uploads that decodes images.

Run as a program it is an image worker: it answers requests on standard input (see `main`) until that ends. A separate
process keeps decoding off the uploader's cores and memory, and confines what a hostile file does to a decoder. It does
not import the package `ic_capsule.uploads`, so that it starts fast.

Time and memory are bounded by three measures: a JPEG is decoded at the smallest of 1/1, 1/2, 1/4, 1/8 that is still
large enough (draft mode), each derivative is rendered from the next larger one, and colours and orientation are
corrected at the size of the largest derivative, not of the original.
"""

from __future__ import annotations

import io
import json
import mmap
import os
import signal
import sys
import warnings
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, Final, NamedTuple

import PIL
from PIL import ExifTags, Image, ImageCms

from ic_capsule.assets import DERIVATIVES, DerivativeName
from ic_harness.errors import ImageError

try:
    import resource
except ImportError:  # a platform without such limits
    resource = None  # type: ignore[assignment]

FORMATS: Final = ("JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF", "AVIF")
"""What is decoded. Pillow knows more, but some of that starts other programs or has no photos in it.

The first four come first because Pillow loads the decoders of all others as soon as one of those is asked for.
"""
MAX_PIXELS: Final = 250_000_000
"""Largest image by its header: above the largest camera sensors on sale."""
MAX_DECODED: Final = 100_000_000
"""Most pixels in memory at once, at four bytes each."""
WORKER_MEMORY: Final = 4 << 30
"""Address space of the worker, in bytes: the last limit against a decompression bomb."""
WORKER_CPU_SECONDS: Final = 120
HEIF_TYPES: Final = frozenset({"image/heic", "image/heif"})
RAW_PREFIX: Final = "image/x-"
"""How the types of raw photos begin: the JPEG inside is decoded."""
_JPEG_START: Final = b"\xff\xd8\xff"
_JPEG_HEAD: Final = 1 << 20
_MOST_PREVIEWS: Final = 32
_MOST_TAGS: Final = 20

_EXIF_TEXTS: Final = ("Make", "Model", "LensModel", "Software", "Artist", "Copyright", "DateTimeOriginal")
_EXIF_NUMBERS: Final = ("ExposureTime", "FNumber", "ISOSpeedRatings", "FocalLength", "PixelXDimension")


_LARGEST_EDGE: Final = DERIVATIVES[0].edge
"""Pixels of the long edge at which colours and orientation are corrected."""


class Rendered(NamedTuple):
    """What the original is (`facts`, ready for JSON) and its derivatives by name: width, height, encoded bytes."""

    facts: dict[str, Any]
    images: dict[DerivativeName, tuple[int, int, bytes]]


def render(file: IO[bytes], name: str, mime: str | None = None, *, pixels: bool = True) -> Rendered:
    """Render the derivatives of the image in `file`; errors call it `name`.

    `mime` is the type of a file that Pillow does not know by its own name (raw, HEIC). Without `pixels` only the
    header is read and there are no derivatives. Raises `ImageError` when it is no image, is damaged, or is too large
    to decode. Any other exception is a fault of this program or its installation, never of the image.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow warns of unusual files; real damage raises
        image = _open(*_readable(file, name, mime))
        stored = image.size
        try:
            if pixels:
                _decide_scale(image, name)
            facts = _facts(image, stored, mime)
            if not pixels:
                return Rendered(facts, {})
            image.seek(0)
            image.load()
            return Rendered(facts, _render_all(_corrected(image)))
        except ImageError:
            raise
        except Exception as error:  # decoders raise any exception on broken bytes
            if not _is_damage(error):
                raise
            raise ImageError(f"{name} cannot be decoded: {_reason(error)}") from error


def _readable(file: IO[bytes], name: str, mime: str | None) -> tuple[IO[bytes], str, tuple[str, ...]]:
    """Return the file that Pillow opens, and the formats that it may have."""
    if mime in HEIF_TYPES:
        _register_heif(name)
        return file, name, (*FORMATS, "HEIF")
    if mime is not None and mime.startswith(RAW_PREFIX):
        return _preview(file, name), name, ("JPEG",)
    return file, name, FORMATS


def _register_heif(name: str) -> None:
    try:
        import pillow_heif  # lazy: an extra  # noqa: PLC0415
    except ImportError:
        raise ImageError(
            f"{name} is HEIC, which needs a library that is not installed: pip install 'ic-harness[heic]'"
        ) from None
    pillow_heif.register_heif_opener()


def _preview(file: IO[bytes], name: str) -> IO[bytes]:
    """The largest JPEG that a raw file carries: cameras put one there for their own display."""
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        best, pixels, start = b"", 0, data.find(_JPEG_START)
        for _ in range(_MOST_PREVIEWS):
            if start < 0:
                break
            size = _jpeg_pixels(data[start : start + _JPEG_HEAD])
            if size > pixels:
                best, pixels = data[start:], size
            start = data.find(_JPEG_START, start + 1)
    if not best:
        raise ImageError(f"{name} is a raw photo without a preview that can be read")
    return io.BytesIO(best)


def _jpeg_pixels(head: bytes) -> int:
    try:
        with Image.open(io.BytesIO(head), formats=("JPEG",)) as image:
            return image.width * image.height
    except Exception as error:  # bytes that only begin like a JPEG lead to any exception
        if not _is_damage(error):
            raise
        return 0


def _open(file: IO[bytes], name: str, formats: tuple[str, ...]) -> Image.Image:
    try:
        image = Image.open(file, formats=formats)
    except Image.DecompressionBombError as error:
        raise ImageError(f"{name} has too many pixels: at most {MAX_PIXELS:,} can be decoded") from error
    except Exception as error:
        _check_formats()
        if not _is_damage(error):
            raise
        raise ImageError(f"{name} is not an image that can be read ({', '.join(sorted(formats))})") from error
    _check_pixels(image, name, MAX_PIXELS)
    return image


def _check_formats() -> None:
    """Raise RuntimeError when Pillow lacks a format: it then refuses every file, whatever is in it."""
    Image.init()
    missing = sorted(set(FORMATS) - set(Image.OPEN))
    if missing:
        raise RuntimeError(f"Pillow {PIL.__version__} does not read {', '.join(missing)}: 11.2 or later does")


def _is_damage(error: Exception) -> bool:
    """Whether an error comes from the image: raised inside Pillow, and not because a part of Pillow is missing.

    Decoders raise nearly every type of exception on broken bytes, so the place is decisive, not the type: the
    innermost frame that is either Pillow's or this file's.
    """
    if isinstance(error, MemoryError):
        return True
    if isinstance(error, (ImportError, NameError)):
        return False
    decoders, here = str(Path(PIL.__file__).parent), __file__
    files = []
    trace = error.__traceback__
    while trace is not None:
        files.append(trace.tb_frame.f_code.co_filename)
        trace = trace.tb_next
    nearest = next((file for file in reversed(files) if file == here or file.startswith(decoders)), here)
    return nearest != here


def _decide_scale(image: Image.Image, name: str) -> None:
    """Set the scale at which a JPEG is decoded; raise `ImageError` for too many pixels."""
    image.draft(None, fitted(image.size, _LARGEST_EDGE))
    _check_pixels(image, name, MAX_DECODED)


def _check_pixels(image: Image.Image, name: str, most: int) -> None:
    width, height = image.size
    if not width or not height:
        raise ImageError(f"{name} has no pixels: {width:,} x {height:,}")
    if width * height > most:
        raise ImageError(
            f"{name} has too many pixels: {width:,} x {height:,}, at most {most:,} can be decoded"
        )


def fitted(size: tuple[int, int], edge: int) -> tuple[int, int]:
    """Width and height scaled down so that the longer one is at most `edge`; nothing is enlarged."""
    scale = min(1.0, edge / max(size))
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def _reason(error: Exception) -> str:
    if isinstance(error, MemoryError):
        return "it needs too much memory"
    text = str(error).partition("\n")[0].strip()
    return text or type(error).__name__


# -- pixels -----------------------------------------------------------------------------------------------------


def _corrected(image: Image.Image) -> Image.Image:
    """The image at the size of the largest derivative, upright, in sRGB with or without alpha."""
    profile = image.info.get("icc_profile")
    orientation = image.getexif().get(ExifTags.Base.Orientation, 1)  # gone where the decoder has applied it
    small = _resizable(image)
    small.thumbnail((_LARGEST_EDGE,) * 2, Image.Resampling.LANCZOS, reducing_gap=None)
    coloured = _in_srgb(small, profile)
    return _upright(coloured, orientation)


def _resizable(image: Image.Image) -> Image.Image:
    """Convert to a mode that can be resampled: palettes, bits and deep samples cannot."""
    match image.mode:
        case "RGB" | "RGBA" | "L" | "CMYK" | "LAB":
            return image
        case "1":
            return image.convert("L")
        case "I" | "F" | "I;16" | "I;16L" | "I;16B" | "I;16N":
            return _eight_bits(image)
        case "LA" | "La" | "PA" | "RGBa":
            return image.convert("RGBA")
        case "P" if "transparency" in image.info:
            return image.convert("RGBA")
    return image.convert("RGB")


def _eight_bits(image: Image.Image) -> Image.Image:
    """Grey samples of 16 bits or more as 8 bits: by their top byte if they fit 16 bits, else by their range."""
    wide = image.convert("F")
    low, high = wide.getextrema()
    assert isinstance(low, float)
    assert isinstance(high, float)
    if image.mode.startswith("I;16") or (image.mode == "I" and low >= 0 and 255 < high < 65536):
        low, high = 0.0, 65535.0
    scale = 255.0 / ((high - low) or 1.0)
    return wide.point(lambda sample: sample * scale + (-low * scale)).convert("L")


def _in_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    alpha = image.getchannel("A") if image.mode == "RGBA" else None
    colours = image.convert("RGB") if alpha is not None else image
    if profile:
        colours = _converted(colours, profile)
    colours = colours.convert("RGB")
    if alpha is not None:
        colours.putalpha(alpha)
    return colours


def _converted(image: Image.Image, profile: bytes) -> Image.Image:
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        converted = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError):
        return image  # a profile that is damaged or of another colour space does not apply to these pixels
    return converted or image


def _upright(image: Image.Image, orientation: int) -> Image.Image:
    turn = {
        2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_270, 7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_90,
    }.get(orientation)  # fmt: skip
    return image if turn is None else image.transpose(turn)


def _render_all(image: Image.Image) -> dict[DerivativeName, tuple[int, int, bytes]]:
    images: dict[DerivativeName, tuple[int, int, bytes]] = {}
    for spec in DERIVATIVES:
        image.thumbnail((spec.edge, spec.edge), Image.Resampling.LANCZOS, reducing_gap=None)
        encoded = io.BytesIO()
        image.save(encoded, spec.codec, **spec.options)
        images[spec.name] = (image.width, image.height, encoded.getvalue())
    return images


# -- facts ------------------------------------------------------------------------------------------------------


def _facts(image: Image.Image, stored: tuple[int, int], mime: str | None = None) -> dict[str, Any]:
    exif = image.getexif()
    details = exif.get_ifd(ExifTags.IFD.Exif)
    orientation = exif.get(ExifTags.Base.Orientation, 1)
    own = "image/jpeg" if image.format == "MPO" else Image.MIME[image.format or ""]
    return {
        "mime_type": mime or own,
        "width": stored[0],
        "height": stored[1],
        "orientation": orientation if orientation in range(1, 9) else 1,
        "color_space": _color_space(image),
        "dpi": _dpi(image),
        "taken_at": _text(details.get(ExifTags.Base.DateTimeOriginal)),
        "taken_at_offset": _text(details.get(ExifTags.Base.OffsetTimeOriginal)),
        "exif": _exif_json({**exif, **details}),
        "location": _location(exif.get_ifd(ExifTags.IFD.GPSInfo)),
        "title": _text(exif.get(ExifTags.Base.ImageDescription))
        or _wide_text(exif.get(ExifTags.Base.XPTitle)),
        "tags": _tags(exif),
    }


def _location(gps: dict[int, Any]) -> str | None:
    """Where a photo was taken as `latitude,longitude` in degrees with six decimals; None when unknown."""
    try:
        latitude = _degrees(
            gps[ExifTags.GPS.GPSLatitude], gps.get(ExifTags.GPS.GPSLatitudeRef) in ("S", b"S")
        )
        longitude = _degrees(
            gps[ExifTags.GPS.GPSLongitude], gps.get(ExifTags.GPS.GPSLongitudeRef) in ("W", b"W")
        )
    except (KeyError, TypeError, ValueError, IndexError, ZeroDivisionError, OverflowError):
        return None
    if not (abs(latitude) <= 90 and abs(longitude) <= 180):
        return None
    return f"{latitude:.6f},{longitude:.6f}"


def _degrees(parts: Any, negative: Any) -> float:
    whole, minutes, seconds = (float(part) for part in parts)
    value = whole + minutes / 60 + seconds / 3600
    return -value if negative else value


def _wide_text(value: Any) -> str | None:
    """A text as Windows writes it into EXIF: UTF-16, little-endian."""
    if not isinstance(value, bytes):
        return None
    return _text(value.decode("utf-16-le", "replace"))


def _tags(exif: Any) -> list[str]:
    words = (_wide_text(exif.get(ExifTags.Base.XPKeywords)) or "").replace(",", ";").split(";")
    return list(dict.fromkeys(word for part in words if (word := part.strip()[:80])))[:_MOST_TAGS]


def _color_space(image: Image.Image) -> str:
    profile = image.info.get("icc_profile")
    if profile:
        try:
            return ImageCms.getProfileDescription(io.BytesIO(profile)).strip()
        except (ImageCms.PyCMSError, OSError, ValueError):
            return "unknown"
    return "CMYK" if image.mode == "CMYK" else "sRGB"


def _dpi(image: Image.Image) -> int | None:
    try:
        dpi = round(float(image.info.get("dpi", (0, 0))[0]))
    except (TypeError, ValueError, IndexError, ZeroDivisionError, OverflowError):
        return None
    return dpi if 0 < dpi < 2**32 else None


def _exif_json(tags: dict[int, Any]) -> str | None:
    known = {ExifTags.TAGS.get(tag, ""): value for tag, value in tags.items()}
    found: dict[str, Any] = {key: text for key in _EXIF_TEXTS if (text := _text(known.get(key)))}
    for key in _EXIF_NUMBERS:
        try:
            found[key] = round(float(known[key]), 6)
        except (KeyError, TypeError, ValueError, ZeroDivisionError, OverflowError):
            continue
    return json.dumps(found, ensure_ascii=False, sort_keys=True) if found else None


def _text(value: Any) -> str | None:
    return (value.strip("\x00 ")[:200] or None) if isinstance(value, str) else None


# -- worker -----------------------------------------------------------------------------------------------------


def pack(header: dict[str, Any], bodies: list[bytes]) -> bytes:
    """A frame: its length (8 bytes, big-endian), that of the header (4 bytes), the header in JSON, the bodies."""
    text = json.dumps(header).encode()
    size = 4 + len(text) + sum(len(body) for body in bodies)
    return b"".join([size.to_bytes(8, "big"), len(text).to_bytes(4, "big"), text, *bodies])


def main() -> None:
    """Answer requests on standard input with frames on standard output until it ends.

    A request is one line of JSON: `path`, `name` (what errors call the file), `identity` (see `FileSource`), `mime`
    (of a file whose format Pillow does not know; may be null), and `pixels`: whether derivatives are wanted.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the uploader handles Ctrl-C and ends this process
    if hasattr(os, "nice"):
        os.nice(5)  # sending is more urgent than rendering
    _confine()
    Image.MAX_IMAGE_PIXELS = MAX_PIXELS
    for line in sys.stdin.buffer:
        _grant_time()
        sys.stdout.buffer.write(_answer(json.loads(line)))
        sys.stdout.buffer.flush()


def _answer(request: dict[str, Any]) -> bytes:
    try:
        with Path(request["path"]).open("rb") as file:
            now = os.fstat(file.fileno())
            if [now.st_dev, now.st_ino, now.st_size, now.st_mtime_ns] != request["identity"]:
                return pack({"changed": True}, [])
            rendered = render(file, request["name"], request["mime"], pixels=request["pixels"])
    except FileNotFoundError:
        return pack({"changed": True}, [])
    except ImageError as error:
        return pack({"error": str(error), "peak": _peak()}, [])
    images = {name: (width, height, len(data)) for name, (width, height, data) in rendered.images.items()}
    bodies = [data for _, _, data in rendered.images.values()]
    return pack({"facts": rendered.facts, "images": images, "peak": _peak()}, bodies)


def _peak() -> int:
    """The most memory that this process has used, in bytes; 0 where that is not known."""
    if resource is None:
        return 0
    unit = 1 if sys.platform == "darwin" else 1024
    return int(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss) * unit


def _confine() -> None:
    """Bound the memory that a hostile file can take, where the platform can."""
    if resource is not None:
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_AS, (WORKER_MEMORY, resource.RLIM_INFINITY))


def _grant_time() -> None:
    """Bound the time that the next file can take, where the platform can."""
    if resource is not None:
        with suppress(OSError, ValueError):
            used = resource.getrusage(resource.RUSAGE_SELF)
            limit = int(used.ru_utime + used.ru_stime) + WORKER_CPU_SECONDS
            resource.setrlimit(resource.RLIMIT_CPU, (limit, resource.RLIM_INFINITY))


if __name__ == "__main__":
    main()
