import errno
import os

import pytest

from pushforward.io import atomic
from pushforward.io.atomic import atomic_write


def put(content: bytes):
    return lambda file: file.write(content)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_writes_and_replaces(tmp_path):
    path = tmp_path / "file"
    atomic_write(path, put(b"one"))
    assert path.read_bytes() == b"one"
    atomic_write(str(path), put(b"two"))
    assert path.read_bytes() == b"two"
    assert names(tmp_path) == ["file"]


def test_the_order_of_things(tmp_path, monkeypatch):
    """Data to the disk, then the rename, then the folder to the disk: any other order can lose the file."""
    path, seen = tmp_path / "file", []
    path.write_bytes(b"old")
    fsync, replace = os.fsync, os.replace

    def spy_fsync(handle):
        seen.append(("fsync", os.path.basename(os.readlink(f"/proc/self/fd/{handle}"))))
        fsync(handle)

    def spy_replace(source, target):
        seen.append(("replace", os.path.basename(source), path.read_bytes()))
        assert os.stat(source).st_size == 3
        replace(source, target)

    monkeypatch.setattr(os, "fsync", spy_fsync)
    monkeypatch.setattr(os, "replace", spy_replace)
    atomic_write(path, put(b"new"))
    temporary = f"file.tmp-{os.getpid()}"
    assert seen == [("fsync", temporary), ("replace", temporary, b"old"), ("fsync", tmp_path.name)]


@pytest.mark.parametrize("what", ["write", "fsync", "replace"])
def test_a_full_disk_leaves_the_old_file(tmp_path, monkeypatch, what):
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def full(*args):
        raise OSError(errno.ENOSPC, "No space left on device")

    def write(file):
        file.write(b"half")
        if what == "write":
            full()

    if what != "write":
        monkeypatch.setattr(os, what, full)
    with pytest.raises(OSError) as caught:  # noqa: PT011 (the errno is asserted)
        atomic_write(path, write)
    assert caught.value.errno == errno.ENOSPC
    assert str(caught.value) == f"[Errno {errno.ENOSPC}] No space left on device: '{path}'"
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["file"]


def test_any_error_of_the_writer_leaves_the_old_file(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def interrupted(file):
        file.write(b"half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        atomic_write(path, interrupted)
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["file"]


def test_an_error_about_another_file_keeps_its_name(tmp_path):
    def missing(file):
        raise FileNotFoundError(errno.ENOENT, "No such file or directory", "other")

    with pytest.raises(FileNotFoundError) as caught:
        atomic_write(tmp_path / "file", missing)
    assert caught.value.filename == "other"


def test_a_missing_folder(tmp_path):
    path = tmp_path / "none" / "file"
    with pytest.raises(FileNotFoundError) as caught:
        atomic_write(path, put(b""))
    assert str(caught.value) == f"{path} cannot be written: the folder {path.parent} does not exist."


def test_a_folder_in_the_way(tmp_path):
    with pytest.raises(IsADirectoryError) as caught:
        atomic_write(tmp_path, put(b""))
    assert str(caught.value) == f"{tmp_path} cannot be written: it is a folder, and a file name is needed."


def test_a_device_is_not_replaced(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(OSError) as caught:  # noqa: PT011 (the whole message is asserted)
        atomic_write(pipe, put(b""))
    assert (
        str(caught.value) == f"{pipe} cannot be written: it is a device or a pipe, and a file name is needed."
    )


def test_a_link_is_followed(tmp_path):
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_bytes(b"old")
    link.symlink_to(target)
    atomic_write(link, put(b"new"))
    assert link.is_symlink()
    assert target.read_bytes() == b"new"


def test_a_planted_temporary_file_is_not_written_through(tmp_path):
    victim = tmp_path / "victim"
    victim.write_bytes(b"dear")
    (tmp_path / f"file.tmp-{os.getpid()}").symlink_to(victim)
    atomic_write(tmp_path / "file", put(b"new"))
    assert victim.read_bytes() == b"dear"
    assert names(tmp_path) == ["file", "victim"]


@pytest.mark.parametrize("number", [errno.EINVAL, errno.EIO])
def test_a_folder_that_cannot_be_flushed(tmp_path, monkeypatch, number):
    """Some file systems cannot, and the file is whole; a failing disk is an error."""

    def fail(handle):
        raise OSError(number, "no")

    monkeypatch.setattr(os, "fsync", fail)
    if number == errno.EINVAL:
        atomic._sync_folder(tmp_path)
    else:
        with pytest.raises(OSError, match=r"^\[Errno 5\] no$"):
            atomic._sync_folder(tmp_path)
