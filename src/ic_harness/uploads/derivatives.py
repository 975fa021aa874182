"""From a photo to its display, thumbnail and placeholder: the only room that decodes images.

Run as a program (`python derivatives.py < photo`) it is the worker of lane B: it renders the file on standard
input and writes a frame to standard output. A process of its own keeps decoding off the uploader's cores and
memory, and what a hostile file does to a decoder ends with that process. It imports nothing of this room's
door, so that it starts fast.

How it stays small and fast: a JPEG is decoded at the smallest of 1/1, 1/2, 1/4, 1/8 that is still large enough
(draft mode), each size is made from the next larger one, and colours and orientation are put right on the
display size, not on the original.
"""

from __future__ import annotations

import io
import json
import os
import sys
import warnings
from pathlib import Path
from typing import IO, Any, Final, NamedTuple

import PIL
from PIL import ExifTags, Image, ImageCms

from ic_harness.errors import ImageError

FORMATS: Final = ("JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF", "AVIF")
"""What is decoded. Pillow knows more, but some of that starts other programs or has no photos in it.

The first four come first because Pillow loads the decoders of all others as soon as one of those is asked for.
"""
MAX_PIXELS: Final = 250_000_000
"""Largest image by its header: above the largest camera sensors on sale."""
MAX_DECODED: Final = 100_000_000
"""Most pixels in memory at once, at four bytes each."""
WORKER_MEMORY: Final = 4 << 30
"""Address space of the worker, in bytes: the last wall in front of a decompression bomb."""
WORKER_CPU_SECONDS: Final = 120
ENCODED_AS: Final = "image/webp"

_EXIF_TEXTS: Final = ("Make", "Model", "LensModel", "Software", "Artist", "Copyright", "DateTimeOriginal")
_EXIF_NUMBERS: Final = ("ExposureTime", "FNumber", "ISOSpeedRatings", "FocalLength", "PixelXDimension")


class Step(NamedTuple):
    """One size of the cascade: pixels of the long edge, WebP quality, and the encoder's effort (0 to 6).

    Effort 2 makes the display 2 % larger than Pillow's default 4 does, in less than half of the time.
    """

    edge: int
    quality: int
    effort: int


CASCADE: Final = {"Display": Step(2048, 82, 2), "Thumbnail": Step(512, 82, 4), "Placeholder": Step(32, 60, 4)}


class Rendered(NamedTuple):
    """What the original is (`facts`, ready for JSON) and its derivatives by name: width, height, WebP bytes."""

    facts: dict[str, Any]
    images: dict[str, tuple[int, int, bytes]]


def render(file: IO[bytes], name: str) -> Rendered:
    """Make the three derivatives of the image in `file`; `name` is what errors call it.

    Raises `ImageError` when it is no image, is damaged, or is too large to decode. Any other exception is a fault of
    this program or its installation, never of the image.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow's doubts about odd files; real damage raises
        image = _open(file, name)
        stored = image.size
        try:
            _decide_scale(image, name)
            facts = _facts(image, stored)
            image.seek(0)
            image.load()
            return Rendered(facts, _cascade(_display(image)))
        except ImageError:
            raise
        except Exception as error:  # decoders raise whatever broken bytes lead them to
            if not _is_damage(error):
                raise
            raise ImageError(f"{name} cannot be decoded: {_reason(error)}") from error


def _open(file: IO[bytes], name: str) -> Image.Image:
    try:
        image = Image.open(file, formats=FORMATS)
    except Image.DecompressionBombError as error:
        raise ImageError(f"{name} has too many pixels: at most {MAX_PIXELS:,} can be decoded") from error
    except Exception as error:
        _check_formats()
        if not _is_damage(error):
            raise
        raise ImageError(f"{name} is not an image that can be read ({', '.join(sorted(FORMATS))})") from error
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

    Decoders raise nearly every type of exception on broken bytes, so the place tells more than the type: the
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
    """Let JPEG decode at a fraction that is still large enough; refuse what would fill the memory."""
    image.draft(None, fitted(image.size, CASCADE["Display"].edge))
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


def _display(image: Image.Image) -> Image.Image:
    """The image at display size, upright, in sRGB with or without alpha."""
    profile = image.info.get("icc_profile")
    orientation = image.getexif().get(ExifTags.Base.Orientation, 1)  # gone where the decoder has applied it
    small = _resizable(image)
    small.thumbnail((CASCADE["Display"].edge,) * 2, Image.Resampling.LANCZOS, reducing_gap=None)
    coloured = _in_srgb(small, profile)
    return _upright(coloured, orientation)


def _resizable(image: Image.Image) -> Image.Image:
    """A mode that can be resampled: palettes, bits and deep samples are none."""
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
        return image  # a profile that is damaged or of another colour space says nothing about these pixels
    return converted or image


def _upright(image: Image.Image, orientation: int) -> Image.Image:
    turn = {
        2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_270, 7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_90,
    }.get(orientation)  # fmt: skip
    return image if turn is None else image.transpose(turn)


def _cascade(image: Image.Image) -> dict[str, tuple[int, int, bytes]]:
    images = {}
    for name, step in CASCADE.items():
        image.thumbnail((step.edge, step.edge), Image.Resampling.LANCZOS, reducing_gap=None)
        encoded = io.BytesIO()
        image.save(encoded, "WEBP", quality=step.quality, method=step.effort)
        images[name] = (image.width, image.height, encoded.getvalue())
    return images


# -- facts ------------------------------------------------------------------------------------------------------


def _facts(image: Image.Image, stored: tuple[int, int]) -> dict[str, Any]:
    exif = image.getexif()
    details = exif.get_ifd(ExifTags.IFD.Exif)
    orientation = exif.get(ExifTags.Base.Orientation, 1)
    return {
        "mime_type": "image/jpeg" if image.format == "MPO" else Image.MIME[image.format or ""],
        "width": stored[0],
        "height": stored[1],
        "orientation": orientation if orientation in range(1, 9) else 1,
        "color_space": _color_space(image),
        "dpi": _dpi(image),
        "taken_at": _text(details.get(ExifTags.Base.DateTimeOriginal)),
        "taken_at_offset": _text(details.get(ExifTags.Base.OffsetTimeOriginal)),
        "exif": _exif_json({**exif, **details}),
    }


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


def pack(header: dict[str, Any], bodies: list[bytes]) -> list[bytes]:
    """A frame: length of the header (4 bytes, big-endian), the header in JSON, then the bodies."""
    text = json.dumps(header).encode()
    return [len(text).to_bytes(4, "big"), text, *bodies]


def main() -> None:
    """Render standard input, called by the name in the first argument, to a frame on standard output."""
    _confine()
    Image.MAX_IMAGE_PIXELS = MAX_PIXELS
    with os.fdopen(0, "rb") as file:
        file.seek(0)
        try:
            rendered = render(file, sys.argv[1])
        except ImageError as error:
            frame = pack({"error": str(error)}, [])
        else:
            images = {
                name: (width, height, len(data)) for name, (width, height, data) in rendered.images.items()
            }
            bodies = [data for _, _, data in rendered.images.values()]
            frame = pack({"facts": rendered.facts, "images": images}, bodies)
    sys.stdout.buffer.writelines(frame)
    sys.stdout.buffer.flush()


def _confine() -> None:
    """Bound what a hostile file can take, where the platform can."""
    try:
        import resource  # lazy: not on every platform  # noqa: PLC0415

        resource.setrlimit(resource.RLIMIT_AS, (WORKER_MEMORY, resource.RLIM_INFINITY))
        resource.setrlimit(resource.RLIMIT_CPU, (WORKER_CPU_SECONDS, WORKER_CPU_SECONDS + 5))
    except (ImportError, OSError, ValueError):
        return


if __name__ == "__main__":
    main()
