import dataclasses
import errno
import re

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import optax
import pytest

from pushforward.bijectors.frozen import trainable
from pushforward.errors import BadCheckpoint
from pushforward.training import checkpoint as room
from pushforward.training.checkpoint import Checkpoint, fingerprint
from pushforward.training.history import Check
from pushforward.training.optimizer import Optimizer
from pushforward.training.record import Record
from pushforward.training.step import initial_state

RUN = {"data": "ab", "batch_size": 256, "key": (0, 1)}


@pytest.fixture
def fresh(affine):
    def make(optimizer=None):
        flow = affine()
        params = eqx.filter(flow, trainable(flow))
        state = initial_state(params, Optimizer() if optimizer is None else optimizer)
        return Record(state=state, best=state.params, best_loss=float("inf"), best_step=0)

    return make


def later(record, step):
    """Return the record as it might be after some steps."""
    moved = jax.tree.map(lambda leaf: leaf + 0.1 * step if eqx.is_inexact_array(leaf) else leaf, record.state)
    return dataclasses.replace(
        record,
        state=moved._replace(step=jnp.asarray(step, jnp.int32)),
        best=moved.params,
        best_loss=1 / 3,
        best_step=step - 1,
        checks=(Check(1.0, step, 0.1, None, None, 1e-3, 0.2, None, 0),),
        scale=0.25,
        retries=2,
        progress=0.7,
        seconds=12.5,
    )


@pytest.fixture
def file(tmp_path):
    return Checkpoint(tmp_path / "run.ckpt", RUN)


def test_a_record_comes_back_bit_by_bit(file, fresh, equal):
    assert file.load(fresh()) is None
    record = later(fresh(), 3)
    file.write(record)
    found = file.load(fresh())
    equal((record.state, record.best), (found.state, found.best))
    assert jax.tree.structure(found.state) == jax.tree.structure(record.state)
    for field in dataclasses.fields(Record):
        if field.name not in ("state", "best"):
            assert getattr(found, field.name) == getattr(record, field.name)


def test_random_keys_inside_an_optimiser_come_back_too(file, fresh, equal):
    noisy = optax.chain(optax.add_noise(0.1, 0.5, jr.key(5)), optax.sgd(0.1))
    record = fresh(noisy)
    keys = [leaf for leaf in jax.tree.leaves(record.state) if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)]
    file.write(record)
    found = file.load(fresh(noisy))
    found_keys = [
        leaf for leaf in jax.tree.leaves(found.state) if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)
    ]
    assert len(keys) == len(found_keys) == 1
    equal(jr.key_data(keys[0]), jr.key_data(found_keys[0]))


def spoil(path, how):
    data = bytearray(path.read_bytes())
    if how == "cut":
        data = data[: len(data) // 2]
    elif how == "empty":
        data = bytearray()
    elif how == "flipped":
        data[-1] ^= 1
    elif how == "text":
        data = bytearray(b"epoch,loss\n")
    elif how == "header":
        data = data.replace(b"0.25", b"0.75")
    path.write_bytes(data)


@pytest.mark.parametrize("how", ["cut", "empty", "flipped", "text", "header"])
def test_a_broken_file_falls_back_to_the_one_before(tmp_path, file, fresh, how):
    for step in (3, 4):
        file.write(later(fresh(), step))
    spoil(tmp_path / "run.ckpt", how)
    with pytest.warns(RuntimeWarning) as caught:
        assert file.load(fresh()).step == 3
    text = str(caught[0].message)
    assert text.startswith(f"fit: {tmp_path}/run.ckpt is broken (")
    assert text.endswith(f"); going on from the one before it, {tmp_path}/run.ckpt.previous, step 3.")
    if how in ("flipped", "header"):
        assert "(its digest does not fit its contents)" in text


def test_a_broken_file_never_takes_the_place_of_the_good_one(tmp_path, file, fresh, monkeypatch):
    for step in (3, 4):
        file.write(later(fresh(), step))
    spoil(tmp_path / "run.ckpt", "flipped")
    with pytest.warns(RuntimeWarning, match="is broken"):
        file.load(fresh())
    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", lambda handle: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            file.write(later(fresh(), 5))
    with pytest.warns(RuntimeWarning, match="is broken"):
        assert file.load(fresh()).step == 3
    file.write(later(fresh(), 5))
    assert file.load(fresh()).step == 5


def test_two_broken_files_are_refused(tmp_path, file, fresh):
    for step in (3, 4):
        file.write(later(fresh(), step))
    spoil(tmp_path / "run.ckpt", "flipped")
    spoil(tmp_path / "run.ckpt.previous", "flipped")
    broken = "its digest does not fit its contents"
    message = (
        f"fit: {tmp_path}/run.ckpt is broken ({broken}), and so is the one before it, "
        f"{tmp_path}/run.ckpt.previous ({broken}). "
        "Delete them, or pass another checkpoint path, to start anew."
    )
    with pytest.raises(BadCheckpoint, match=f"^{re.escape(message)}$"):
        file.load(fresh())


def test_a_model_file_or_another_format_is_no_checkpoint(tmp_path, file, fresh, monkeypatch):
    from safetensors.numpy import save_file

    save_file({"x": np.zeros(2)}, tmp_path / "run.ckpt")
    with pytest.raises(BadCheckpoint, match=re.escape("is broken (it is not a checkpoint), and")):
        file.load(fresh())
    monkeypatch.setattr(room, "FORMAT", 1)
    file.write(fresh())
    monkeypatch.undo()
    with pytest.raises(BadCheckpoint, match=re.escape("(its format is 1, this version reads 2)")):
        file.load(fresh())


def test_another_run_is_refused_by_name(tmp_path, file, fresh):
    file.write(fresh())
    other = Checkpoint(tmp_path / "run.ckpt", RUN | {"batch_size": 128, "max_epochs": 3})
    message = (
        f"fit: {tmp_path}/run.ckpt belongs to another run: batch_size is 256 there, 128 here; "
        "max_epochs is None there, 3 here. Delete it, or pass another checkpoint path, to start anew."
    )
    with pytest.raises(BadCheckpoint, match=f"^{re.escape(message)}$"):
        other.load(fresh())


def test_arrays_that_do_not_fit_are_refused(file, fresh):
    file.write(fresh(Optimizer(ema=None)))
    with pytest.raises(BadCheckpoint, match=re.escape("is missing, expected float32 of shape (2,)")):
        file.load(fresh())


def test_one_whole_file_is_there_at_every_moment(tmp_path, file, fresh, monkeypatch):
    """Every system call of a write fails once; what is there is the state before or the one after."""
    file.write(later(fresh(), 3))
    file.write(later(fresh(), 4))
    for place in ("os.link", "shutil.copyfile", "os.fsync", "os.replace"):
        module, name = place.split(".")

        def fail(*args, place=place, **kwargs):
            raise OSError(errno.ENOSPC, f"{place} failed")

        with monkeypatch.context() as patch:
            patch.setattr(f"{module}.{name}", fail)
            if place == "shutil.copyfile":
                patch.setattr("os.link", fail)
            if place == "os.link":
                file.write(later(fresh(), 5))  # a file system without links
                continue
            with pytest.raises(OSError, match="failed"):
                file.write(later(fresh(), 6))
        assert file.load(fresh()).step == 5
        assert {path.name for path in tmp_path.iterdir()} == {"run.ckpt", "run.ckpt.previous"}


def test_a_failing_write_in_mid_run_only_warns(tmp_path, fresh):
    file = Checkpoint(tmp_path / "missing" / "run.ckpt", RUN)
    with pytest.warns(RuntimeWarning, match="^fit: no checkpoint written, training goes on: .*missing"):
        file.save(fresh())


def test_saves_are_not_more_frequent_than_useful(tmp_path, file, fresh, monkeypatch):
    file.save(later(fresh(), 1))
    file.save(later(fresh(), 2))
    assert file.load(fresh()).step == 1
    monkeypatch.setattr(room, "SECONDS_BETWEEN", 0.0)
    file.save(later(fresh(), 3))
    assert file.load(fresh()).step == 3


def test_fingerprints_see_values_places_and_types(affine):
    flow = affine()
    moved = eqx.tree_at(lambda f: f.bijector.shift, flow, jnp.array([0.0, 1e-7]))
    frozen = affine(fixed=1.0)
    assert len({fingerprint(flow), fingerprint(moved), fingerprint(frozen), fingerprint(flow.bijector)}) == 4
    assert fingerprint(flow) == fingerprint(affine())
