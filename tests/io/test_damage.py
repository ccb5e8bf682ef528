"""Files cut, files with a wrong bit, and random files: a BadModelFile or a good flow, never anything else."""

import json
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pushforward.errors import BadModelFile
from pushforward.io import describe, load

DONE = " Nothing was loaded."


def build(header, data: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


def test_a_file_cut_anywhere(saved, refusal):
    length = int.from_bytes(saved[:8], "little")
    cuts = {0, 1, 7, 8, 9, 8 + length // 2, 7 + length, 8 + length, 9 + length, len(saved) - 1}
    for cut in sorted(cuts | set(range(0, len(saved), 61))):
        message = refusal(saved[:cut])
        assert message.endswith(DONE)
        start = 8 + length
        if cut >= start:
            whole = len(saved) - start
            assert (
                message == f"data: expected {whole} bytes, as the header says, got {cut - start} bytes.{DONE}"
            )


def test_one_wrong_bit_anywhere(saved, refusal):
    for place in range(0, len(saved), 23):
        content = bytearray(saved)
        content[place] ^= 1 << (place % 7)
        assert refusal(bytes(content)).endswith(DONE), place


quick = settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
)


def refusal_of(reader, path: Path) -> str | None:
    """The message of a BadModelFile; None if the file loads. Any other error is a defect, and passes."""
    try:
        reader(path)
    except BadModelFile as error:
        return str(error)
    return None


def loads_or_refuses(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    for reader in (describe, load):
        message = refusal_of(reader, path)
        assert message is None or (message.startswith(f"{path}: ") and message.endswith(DONE))


@quick
@given(content=st.binary(max_size=200))
def test_random_files(tiny, tmp_path_factory, content):
    loads_or_refuses(tmp_path_factory.getbasetemp() / "fuzz", content)


@quick
@given(
    text=st.binary(max_size=100) | st.text('{}[]",:0123456789abdehoptsy_F32', max_size=100).map(str.encode)
)
def test_random_headers(tiny, tmp_path_factory, text):
    loads_or_refuses(tmp_path_factory.getbasetemp() / "fuzz", build(text, b"1234"))


plain = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 2**64) | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


@quick
@given(data=st.data())
def test_a_good_header_with_one_part_replaced(crafted, tmp_path_factory, data):
    header = json.loads(json.dumps(crafted.header))
    where, steps = header, data.draw(st.integers(1, 3))
    for step in range(steps):
        keys = sorted(where) if isinstance(where, dict) else list(range(len(where)))
        key = data.draw(st.sampled_from(keys))
        last = step == steps - 1 or not isinstance(where[key], dict | list) or not where[key]
        if last:
            where[key] = data.draw(plain)
            break
        where = where[key]
    loads_or_refuses(tmp_path_factory.getbasetemp() / "fuzz", build(header, bytes(crafted.data)))


@quick
@given(
    name=st.sampled_from(["features", "layers", "hidden", "offset", "note", "context_features"]), value=plain
)
def test_arguments_of_any_kind(crafted, tmp_path_factory, name, value):
    arguments = json.loads(crafted.metadata["arguments"]) | {name: value}
    crafted.metadata["arguments"] = json.dumps(arguments)
    loads_or_refuses(tmp_path_factory.getbasetemp() / "fuzz", crafted.sign().bytes())
