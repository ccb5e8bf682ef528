"""Model files: safetensors with a recipe and its arguments, written atomically, read with suspicion."""

from .atomic import atomic_write
from .loading import Model, describe, from_bytes, load, load_model
from .saving import save, to_bytes

__all__ = ["Model", "atomic_write", "describe", "from_bytes", "load", "load_model", "save", "to_bytes"]
