import jax
import jax.random as jr
import numpy as np
import pytest

from pushforward.bijectors import Chain, Coupling, Permute, Shift, Stack, alternating, halves
from pushforward.distributions import StandardLogistic, StandardNormal, StudentT
from pushforward.errors import ConfigError
from pushforward.flows import _parts


@pytest.mark.parametrize("value", [0, -1, 2.0, True, "3", None, (3,)])
def test_sizes_are_whole_numbers(value):
    with pytest.raises(ConfigError) as caught:
        _parts.check_sizes("f", features=3, layers=value)
    assert str(caught.value) == f"f: expected layers to be a whole number of at least 1, got {value!r}."


def test_the_least_size_can_be_given():
    _parts.check_sizes("f", least=0, context_features=0)
    with pytest.raises(ConfigError) as caught:
        _parts.check_sizes("f", least=2, knots=1)
    assert str(caught.value) == "f: expected knots to be a whole number of at least 2, got 1."


@pytest.mark.parametrize("value", [128, (8, 0), ("8",), (8.0,), (True,), None])
def test_hidden_holds_whole_numbers(value):
    with pytest.raises(ConfigError) as caught:
        _parts.check_hidden("f", value)
    assert str(caught.value) == f"f: expected hidden to be a tuple of positive whole numbers, got {value!r}."


def test_hidden_may_be_empty_or_a_list():
    _parts.check_hidden("f", ())
    _parts.check_hidden("f", [8, 4])


def test_no_context_features_are_no_context():
    assert (_parts.context_shape(0), _parts.context_shape(3)) == (None, (3,))


@pytest.mark.parametrize("layers", [1, 2, 3, 6])
def test_layers_alternate_in_stacks_of_pairs(layers):
    keys = []

    def make(key, swap):
        keys.append(jr.key_data(key).tolist())
        return Coupling(Shift(), lambda a, context=None, *, key=None: a[:2], alternating(4, swap=swap))

    # One net for all, so that the static parts of the layers are equal.
    net = make(jr.key(0), False).net
    keys.clear()

    def same(key, swap):
        made = make(key, swap)
        return Coupling(made.map, net, alternating(4, swap=swap))

    bijector = _parts.alternated(same, jr.key(0), layers)
    stacks = [
        part for part in (bijector if isinstance(bijector, Chain) else [bijector]) if isinstance(part, Stack)
    ]
    assert [stack.depth for stack in stacks] == [layers // 2] * (layers > 1)
    couplings = [c for stack in stacks for i in range(stack.depth) for c in stack.layer(i)]
    couplings += [bijector[-1]] if isinstance(bijector, Chain) else [bijector] if layers == 1 else []
    assert [c.known for c in couplings] == [((0, 2), (1, 3))[i % 2] for i in range(layers)]
    assert len({str(key) for key in keys}) == layers


def test_repeated_layers_differ():
    stack = _parts.repeated(lambda key: Permute(jr.permutation(key, 20)), jr.key(0), 3)
    assert len({str(np.asarray(stack.layer(i).order)) for i in range(3)}) == 3


@pytest.mark.parametrize(("known", "size"), [(halves(5), 3), (np.zeros(1, bool), 1)])
def test_a_couplings_net_has_the_fitting_sizes(known, size):
    made = jax.eval_shape(lambda: _parts.coupling(jr.key(0), Shift(), known, 2, hidden=(4,)))
    assert made.net.layers[0].weight.shape == (4, known.sum() + 2)
    assert made.net.layers[-1].weight.shape == (size, 4)
    assert made.context_shape == (2,)


def test_bases_by_name():
    for kind, law in (("normal", StandardNormal), ("logistic", StandardLogistic), ("student_t", StudentT)):
        assert isinstance(_parts.base_law("f", kind, 3), law)
        assert _parts.base_law("f", kind, 3).event_shape == (3,)
    with pytest.raises(ConfigError) as caught:
        _parts.base_law("f", "cauchy", 3)
    assert str(caught.value) == "f: expected base normal, logistic, student_t, got 'cauchy'."
