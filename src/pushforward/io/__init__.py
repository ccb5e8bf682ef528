"""Model files: safetensors with a recipe and its arguments, written atomically, read with suspicion."""

from .atomic import atomic_write
from .loading import Model, describe, load, load_model
from .saving import save

__all__ = ["Model", "atomic_write", "describe", "load", "load_model", "save"]
