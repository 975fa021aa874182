"""The adapter for image encoders in ONNX files, with tiny models that are written here byte by byte."""

from __future__ import annotations

import json
import struct

import pytest

from ic_capsule.bulk.embedder import load_embedder
from ic_harness.errors import ImageError, InputError

from .test_search import picture, webp

pytest.importorskip("onnxruntime", reason="the extra onnx is not installed")

FLOAT = 1


def field(number, value):
    """A field of a protocol buffer: an integer, or bytes, text or a message with their length."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def varint(value):
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def value_info(name, shape):
    """A ValueInfoProto of float32; a text in the shape is a length that is free."""
    dims = b"".join(field(1, field(1, dim) if isinstance(dim, int) else field(2, dim)) for dim in shape)
    return field(1, name) + field(2, field(1, field(1, FLOAT) + field(2, dims)))


def model(nodes, shape, out_shape, tensors=b""):
    """A ModelProto: one graph of these nodes from `pixels` to `vector`."""
    graph = b"".join(field(1, node) for node in nodes) + field(2, "tiny") + tensors
    graph += field(11, value_info("pixels", shape)) + field(12, value_info("vector", out_shape))
    return field(1, 8) + field(7, graph) + field(8, field(1, "") + field(2, 13))


def node(kind, inputs, output):
    return b"".join(field(1, name) for name in inputs) + field(2, output) + field(4, kind)


def means(shape=("batch", 3, 8, 8)):
    """An encoder whose vector is the mean of each colour."""
    nodes = [node("GlobalAveragePool", ["pixels"], "pooled"), node("Flatten", ["pooled"], "vector")]
    return model(nodes, shape, (shape[0], 3))


@pytest.fixture
def weights(tmp_path):
    """Write a model, and what is beside it; returns the path."""

    def write(data, **beside):
        path = tmp_path / "tiny.onnx"
        path.write_bytes(data)
        if beside:
            path.with_suffix(".json").write_text(json.dumps(beside))
        return path

    return write


PLAIN = {"mean": [0, 0, 0], "std": [1, 1, 1]}


@pytest.mark.parametrize("shape", [("batch", 3, 8, 8), (1, 3, 8, 8), ("batch", 3, "height", "width")])
def test_a_model_makes_vectors(weights, shape):
    """Vectors have the model's length, are scaled to 1, and say what the model says of a picture."""
    from PIL import Image

    embedder = load_embedder("onnx", weights(means(shape), **PLAIN))
    assert embedder is not None
    red, white = Image.new("RGB", (40, 20), (255, 0, 0)), Image.new("RGB", (9, 9), "white")
    vectors = [struct.unpack("<3f", vector) for vector in embedder.embed([webp(red), webp(white)] * 5)]
    assert (embedder.dim, len(vectors)) == (3, 10)
    assert vectors[0] == pytest.approx((1, 0, 0), abs=0.02)
    assert vectors[1] == pytest.approx((3**-0.5,) * 3, abs=0.01)


def test_the_name_tells_the_model(weights):
    """Another file is another model in the ledger, so that vectors of both are never compared."""
    one = load_embedder("onnx", weights(means(), **PLAIN, name="mine"))
    other = load_embedder("onnx", weights(means((1, 3, 8, 8))))
    assert one is not None
    assert other is not None
    assert one.name.startswith("onnx-mine-")
    assert other.name.rsplit("-", 1)[-1] != one.name.rsplit("-", 1)[-1]


@pytest.mark.parametrize(
    ("data", "beside", "told"),
    [
        (b"no model", {}, "no model that ONNX Runtime can load"),
        (b"", {}, "no model that ONNX Runtime can load"),
        (means(("batch", 1, 8, 8)), {}, "expected float"),
        (model([node("Identity", ["pixels"], "vector")], (1, 3, 8, 8), (1, 3, 8, 8)), {}, "expected one of"),
        (means(), {"std": [0, 1, 1]}, "three numbers"),
        (means(), {"mean": [1]}, "three numbers"),
        (means(("batch", 3, "h", "w")), {"size": 10**9}, "a size up to"),
        (means(), {"mean": "x"}, "does not say"),
    ],
)
def test_what_is_no_image_encoder(weights, data, beside, told):
    """A file that is no model, or takes or gives something else, is refused with the reason before a run."""
    with pytest.raises(InputError, match=told):
        load_embedder("onnx", weights(data, **beside))


def test_a_model_is_needed():
    """Without a path there is no model: nothing is downloaded."""
    with pytest.raises(InputError, match="--weights"):
        load_embedder("onnx")


def test_a_bad_picture(weights):
    """Bytes that are no picture are an ImageError; one without any colour has no vector here."""
    from PIL import Image

    embedder = load_embedder("onnx", weights(means(), **PLAIN))
    assert embedder is not None
    with pytest.raises(ImageError):
        embedder.embed([webp(picture(1))[:100]])
    with pytest.raises(ImageError, match="no vector"):
        embedder.embed([webp(Image.new("RGB", (8, 8)))])
