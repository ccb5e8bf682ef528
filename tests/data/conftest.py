"""Small tables on disk."""

import pytest


@pytest.fixture
def write(tmp_path, monkeypatch):
    """A function that writes a file into an empty working folder and returns its name."""
    monkeypatch.chdir(tmp_path)

    def to(name, content):
        (tmp_path / name).write_bytes(content.encode() if isinstance(content, str) else content)
        return name

    return to
