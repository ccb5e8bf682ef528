"""Atomic writes: a file is either the old one or the whole new one, whatever goes wrong in between."""

import contextlib
import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

_NO_FOLDER_SYNC = {errno.EINVAL, errno.ENOTSUP, errno.EACCES, errno.EPERM}


def atomic_write(path: str | Path, write: Callable[[BinaryIO], None]) -> None:
    """Write a file so that no reader, and no crash, ever meets half of it.

    The bytes go to a temporary file `name.tmp-<pid>` in the same folder, which is flushed to the disk and
    then renamed over `path`; last, the folder is flushed, so that the rename too survives a loss of power.
    If anything raises before the rename, the temporary file is removed and what was at `path` is untouched.

    Args:
        path: the file to write; its folder must exist. A symbolic link is followed: its target is replaced.
        write: called once with the temporary file, open for writing in binary mode.

    Raises:
        OSError: if the folder is missing, the disk is full, `path` is a folder or a device, or the file may
            not be written. The message names `path`.
    """
    target = Path(os.path.realpath(path))
    _check_target(path, target)
    temporary = target.with_name(f"{target.name}.tmp-{os.getpid()}")
    try:
        # Remove what a killed process of this number left; "x" then refuses to follow a planted link.
        temporary.unlink(missing_ok=True)
        with open(temporary, "xb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, target)
    except BaseException as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        if isinstance(error, OSError) and error.filename in (None, str(temporary)):
            error.filename = str(path)
        raise
    _sync_folder(target.parent)


def _check_target(path: str | Path, target: Path) -> None:
    if target.is_dir():
        raise IsADirectoryError(f"{path} cannot be written: it is a folder, and a file name is needed.")
    if target.exists() and not target.is_file():
        raise OSError(f"{path} cannot be written: it is a device or a pipe, and a file name is needed.")
    if not target.parent.is_dir():
        raise FileNotFoundError(f"{path} cannot be written: the folder {target.parent} does not exist.")


def _sync_folder(folder: Path) -> None:
    """Flush a folder's entries to the disk, on systems and file systems that can."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
    except OSError as error:
        # The new file is whole and in place: only a real failure of the disk is worth an error now.
        if error.errno not in _NO_FOLDER_SYNC:
            raise
