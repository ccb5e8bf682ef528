"""Compiled programs that the command line keeps for its next run: compiling is most of what a short command does."""

import hashlib
import importlib.metadata
import os
import platform
from pathlib import Path

import platformdirs

MOST_BYTES = 256 * 2**20
"""How much is kept; the oldest programs go first."""


def keep_programs() -> None:
    """Have JAX keep compiled programs in the user's cache folder, unless the user has said where, or not to.

    To be called before JAX is imported. JAX's own variables have the last word: JAX_COMPILATION_CACHE_DIR names another
    folder, JAX_ENABLE_COMPILATION_CACHE=false keeps nothing. Programs are kept apart for each version of JAX and
    each kind of processor, as one folder may serve several machines. They are machine code: nothing is kept, nor read,
    where others than the user may write.
    """
    if "JAX_COMPILATION_CACHE_DIR" in os.environ or _is_off(
        os.environ.get("JAX_ENABLE_COMPILATION_CACHE", "")
    ):
        return
    top = folder()
    here = top / _machine()
    try:
        for place in (top, here):
            place.mkdir(parents=True, exist_ok=True, mode=0o700)
            if not _is_own(place):
                return
        prune(top)
    except OSError:
        return  # a read-only home: then nothing is kept
    os.environ["JAX_COMPILATION_CACHE_DIR"] = str(here)
    os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0.3")


def folder() -> Path:
    """Return where the programs of all machines lie: in the system's folder for caches."""
    return platformdirs.user_cache_path("pushforward", appauthor=False) / "programs"


def prune(top: Path, most: int = MOST_BYTES) -> None:
    """Remove the files that were written first until the others have at most so many bytes."""
    files = sorted(
        ((path.stat(), path) for path in top.rglob("*") if path.is_file()), key=lambda item: item[0].st_mtime
    )
    excess = sum(about.st_size for about, _ in files) - most
    for about, path in files:
        if excess <= 0:
            break
        path.unlink(missing_ok=True)
        excess -= about.st_size


def _is_own(place: Path) -> bool:
    """Tell whether a folder is the user's and nobody else may write into it, on systems that have such rights."""
    if not hasattr(os, "getuid"):
        return True
    about = place.stat()
    return about.st_uid == os.getuid() and not about.st_mode & 0o022


def _is_off(value: str) -> bool:
    return value.lower() in ("0", "false", "no", "off", "f", "n")


def _machine() -> str:
    """Return a name for this version of JAX on this kind of processor."""
    cpu = platform.machine() + platform.processor()
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        cpu += "".join(
            next((line for line in lines if line.startswith(key)), "") for key in ("model name", "flags")
        )
    except OSError:
        pass
    versions = "".join(importlib.metadata.version(name) for name in ("jax", "jaxlib"))
    return hashlib.sha256((cpu + versions).encode()).hexdigest()[:16]
