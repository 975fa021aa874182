"""Embedders: `visual`, which needs no model, and an adapter for image encoders in ONNX files."""

from ic_capsule.bulk.embed.visual import HASH_BITS, VisualEmbedder, visual

__all__ = ["HASH_BITS", "VisualEmbedder", "visual"]
