"""One case, at least, of every public bijector, scalar map, conditioner, law and recipe.

A new class needs one line here: `test_registry.py` fails without it, and `test_conformance.py` holds it to
the contract with it.
"""

import dataclasses
import math
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np

from pushforward.bijectors import (
    LU,
    PLU,
    QR,
    ActNorm,
    AdditiveResidual,
    Affine,
    Amortised,
    Autoregressive,
    BatchNorm,
    Bernstein,
    Bijector,
    Chain,
    CircularSpline,
    Continuous,
    Coupling,
    CubicRational,
    DeepSigmoid,
    Elementwise,
    Exp,
    Gate,
    Gaussianize,
    Identity,
    Invert,
    LeakyReLU,
    Log,
    Logit,
    Marginals,
    MixtureOfLogistics,
    MonotoneIntegral,
    NormalCDF,
    Orthogonal,
    Permute,
    PiecewiseLinear,
    Planar,
    Power,
    PReLU,
    QuadraticSpline,
    Radial,
    RationalQuadraticSpline,
    Residual,
    Reverse,
    ScalarMap,
    Scale,
    Shift,
    Sigmoid,
    SinhArcsinh,
    SoftmaxCentered,
    Softplus,
    Solver,
    Stack,
    StickBreaking,
    SumOfSquares,
    Sylvester,
    Tanh,
    Triangular,
    TriangularLowRank,
    alternating,
    checkerboard,
    halves,
)
from pushforward.bijectors.amortised import count_parameters
from pushforward.distributions import (
    AutoregressiveEnsemble,
    AutoregressiveLaw,
    ConditionalBernoulli,
    ConditionalCategorical,
    ConditionalLaw,
    ConditionalMixture,
    ConditionalNormal,
    Dequantized,
    Distribution,
    ExpConcrete,
    Gumbel,
    Kumaraswamy,
    Laplace,
    Logistic,
    LogitNormal,
    LogNormal,
    MultivariateNormal,
    Normal,
    NormalMixture,
    Product,
    RelaxedOneHotCategorical,
    StandardLogistic,
    StandardNormal,
    StudentT,
    Uniform,
)
from pushforward.distributions.encoding import Cells, Encoder
from pushforward.flows import get
from pushforward.nets import MADE, MLP, LipschitzMLP, ResidualMLP, TimeMLP

Key = jax.Array


@dataclasses.dataclass(frozen=True)
class Case:
    """An object to examine, and what its author claims of it.

    Attributes:
        build: makes the object from a key.
        claims: arguments for `check_bijector` or `check_flow`.
        x: for laws, events in the support.
        slow: run only with `-m slow`.
    """

    build: Callable[[Key], Any]
    claims: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    x: np.ndarray | None = None
    slow: bool = False


def _events(rows: int, features: int) -> np.ndarray:
    return np.random.default_rng(features).normal(size=(rows, features))


# Scalar maps, each in an Elementwise over two numbers.

_GROWS = {"increasing": True, "structure": "diagonal"}
_FROM_IDENTITY = {**_GROWS, "identity_at_init": True}


_UNIT, _POSITIVE = (0.0, 1.0), (0.0, math.inf)


def _scalar(map_: ScalarMap, *, identity: bool = True, slow: bool = False, **claims: Any) -> Case:
    usual = _FROM_IDENTITY if identity else _GROWS
    return Case(lambda key: Elementwise(map_, (2,)), {**usual, **claims}, slow=slow)


def _within(interval: tuple[float, float]) -> dict[str, tuple[float, float]]:
    return {"domain": interval, "codomain": interval}


def _spread(scale: float) -> np.ndarray:
    """Pairs of numbers, evenly and up to 3 times the scale."""
    return 3 * scale * np.random.default_rng(2).uniform(-1, 1, (24, 2))


# From -2 to 40: images nearer to zero than this are nearer than the step of a difference quotient.
_ABOVE = 19 + _spread(7.0)


def _function(map_: ScalarMap, points: float | np.ndarray, *, slow: bool = False, **claims: Any) -> Case:
    """A fixed function, looked at where floats hold its values well enough to come back."""
    points = points if isinstance(points, np.ndarray) else _spread(points)
    return _scalar(map_, identity=False, slow=slow, points=points, **claims)


SCALAR_MAPS: dict[str, Case] = {
    "Shift": _scalar(Shift()),
    "Scale": _scalar(Scale()),
    "Affine-exp": _scalar(Affine("exp")),
    "Affine-softplus": _scalar(Affine("softplus")),
    "Affine-sigmoid": _scalar(Affine("sigmoid"), identity=False),
    "Gate": _scalar(Gate(), identity=False),
    "RationalQuadraticSpline": _scalar(RationalQuadraticSpline()),
    "RationalQuadraticSpline-coarse": _scalar(RationalQuadraticSpline(3, 2.0), slow=True),
    "PReLU": _scalar(PReLU()),
    "LeakyReLU": _scalar(LeakyReLU(0.1), identity=False),
    "PiecewiseLinear": _scalar(PiecewiseLinear(5, 3.0)),
    "PiecewiseLinear-unit": _scalar(PiecewiseLinear(4, interval="unit"), **_within(_UNIT), slow=True),
    "QuadraticSpline": _scalar(QuadraticSpline(4, 3.0)),
    "QuadraticSpline-unit": _scalar(QuadraticSpline(3, interval="unit"), **_within(_UNIT), slow=True),
    "CircularSpline": _scalar(CircularSpline(4), **_within((-math.pi, math.pi))),
    "CircularSpline-phase": _scalar(
        CircularSpline(3, phase=True), increasing=False, **_within((-math.pi, math.pi)), slow=True
    ),
    "CubicRational": _scalar(CubicRational()),
    "SinhArcsinh": _scalar(SinhArcsinh()),
    # e^x leaves float32 at both ends; below, only the value becomes zero.
    "Exp": _function(Exp(), _ABOVE, codomain=_POSITIVE, extremes={"forward": (0.0, -1e4, -1e30, 1.0, 80.0)}),
    "Log": _function(
        Log(), np.exp(_ABOVE), domain=_POSITIVE, extremes={"inverse": (0.0, -1e4, -1e30, 1.0, 80.0)}
    ),
    "Softplus": _function(Softplus(), _ABOVE, codomain=_POSITIVE),
    "Sigmoid": _function(Sigmoid(), 4.0, codomain=_UNIT),
    "Logit": _function(Logit(), 1 / (1 + np.exp(-_spread(4.0))), domain=_UNIT),
    "Tanh": _function(Tanh(), 2.0, codomain=(-1.0, 1.0)),
    "Power": _function(Power(0.4), np.exp(_spread(2.0)), domain=_POSITIVE, codomain=_POSITIVE),
    "Power-decreasing": _function(
        Power(-1.5), np.exp(_spread(2.0)), domain=_POSITIVE, codomain=_POSITIVE, increasing=False, slow=True
    ),
    "NormalCDF": _function(NormalCDF(), 1.5, codomain=_UNIT),
    "MixtureOfLogistics": _scalar(MixtureOfLogistics(3), identity=False),
    "MixtureOfLogistics-one": _scalar(MixtureOfLogistics(1), slow=True),
    "DeepSigmoid": _scalar(DeepSigmoid(3, 2), identity=False),
    "DeepSigmoid-one_layer": _scalar(DeepSigmoid(8, 1), identity=False, slow=True),
    "Gaussianize": _scalar(Gaussianize(2), identity=False),
    "Bernstein": _scalar(Bernstein(6)),
    "Bernstein-fine": _scalar(Bernstein(30, 2.0), slow=True),
    "SumOfSquares": _scalar(SumOfSquares(2, 2), identity=False),
    "SumOfSquares-large": _scalar(SumOfSquares(5, 4, 3.0), identity=False, slow=True),
    "MonotoneIntegral": _scalar(MonotoneIntegral(4)),
    "MonotoneIntegral-wide": _scalar(MonotoneIntegral(16, 65, 8.0), slow=True),
}


# Conditioners, each inside the layer that it is for.


def _affine_coupling(key: Key, net: Callable[..., Any], **fields: Any) -> Coupling:
    return Coupling(Affine(), net(key, 2, 4, **fields), halves(4))


def _pattern(mask: np.ndarray) -> np.ndarray:
    """Where the Jacobian of a coupling differs from zero."""
    flat = mask.reshape(-1)
    return np.eye(flat.size, dtype=bool) | (~flat[:, None] & flat[None, :])


_COUPLED = {"structure": _pattern(halves(4)), "identity_at_init": True}


def _continuous(key: Key, *, context: int = 0, activation: str = "tanh", **solver: Any) -> Continuous:
    net = TimeMLP(key, 2, context_features=context, hidden=(6,), activation=activation)
    tight = Solver("dopri8", 1e-10, 1e-10, unconverged="nan", **solver)
    return Continuous(net, (2,), (context,) if context else None, solver=tight)


_SOLVED = {"identity_at_init": True, "accuracy": 1e-9}
# Gradients take ten seconds to compile, calls without jit a second each: they are for the slow cases, and for
# tests/bijectors/test_continuous.py.
_IN_FORWARD_MODE = (
    "log_det_shape",
    "dtype",
    "round_trip_x",
    "round_trip_y",
    "log_det_forward",
    "log_det_inverse",
    "log_dets_negate",
    "tree_round_trip",
    "cheap_side",
)
_NO_FORWARD_MODE = {"expected_failures": {"gradcheck": "checkpoints are for reverse mode"}}

NETS: dict[str, Case] = {
    "MLP": Case(lambda key: _affine_coupling(key, MLP, hidden=(8, 8)), _COUPLED),
    "MLP-dropout": Case(
        lambda key: _affine_coupling(key, MLP, hidden=(8,), dropout=0.3), _COUPLED, slow=True
    ),
    "ResidualMLP": Case(lambda key: _affine_coupling(key, ResidualMLP, hidden=8, blocks=1), _COUPLED),
    "MADE": Case(
        lambda key: Autoregressive(Affine(), MADE(key, 4, 2, hidden=(8, 8))),
        {"structure": "lower", "identity_at_init": True},
    ),
    "LipschitzMLP": Case(
        lambda key: Residual(LipschitzMLP(key, 2, context_features=1, hidden=(8,)), context_shape=(1,)),
        {"identity_at_init": True},
    ),
    "LipschitzMLP-elu": Case(
        lambda key: Residual(LipschitzMLP(key, 3, hidden=(8, 8), activation="elu", lipschitz=0.8)),
        {"identity_at_init": True},
        slow=True,
    ),
    "TimeMLP": Case(
        lambda key: _continuous(key, context=2, activation="softplus", adjoint="direct"), _SOLVED, slow=True
    ),
}


# Bijectors.


def _spline_coupling(key: Key, context: int = 0) -> Coupling:
    spline, mask = RationalQuadraticSpline(4, 3.0), alternating(4)
    net = MLP(key, 2, 2 * spline.num_params, context_features=context, hidden=(8,))
    return Coupling(spline, net, mask, (context,) if context else None)


def _image_coupling(key: Key) -> Coupling:
    mask = checkerboard((2, 3))
    return Coupling(Shift(), MLP(key, int(mask.sum()), int((~mask).sum()), hidden=(8,)), mask)


def _layer(key: Key) -> Bijector:
    shuffle, weights, linear = jr.split(key, 3)
    coupling = _affine_coupling(weights, MLP, hidden=(8,))
    return Chain([Permute(jr.permutation(shuffle, 4)), LU(4, key=linear), coupling])


def _shuffled(key: Key) -> Bijector:
    shuffle, weights = jr.split(key)
    order = Permute(jr.permutation(shuffle, 4))
    return Chain([order, Coupling(Affine(), MLP(weights, 2, 4, hidden=()), halves(4))])


def _amortised(bijector: Bijector) -> Amortised:
    net = MLP(jr.key(5), 0, count_parameters(bijector), context_features=2, hidden=(4,))
    return Amortised(bijector, net, (2,))


def _marginals(key: Key) -> Marginals:
    del key
    bases = np.array([[-2.0, -0.5, 0.0, 1.5], [-1.0, 0.0, 1.0, 2.0]])
    values = np.array([[-1.0, 0.0, 2.0, 3.0], [10.0, 11.0, 15.0, 16.0]])
    slopes = np.array([[1.0, 0.7, 0.5, 2.0], [0.5, 1.0, 0.4, 0.8]])
    return Marginals(bases, values, slopes)


def _compositions(parts: int) -> np.ndarray:
    """Points of both maps onto the simplex whose images sum to one, to the bit, once rounded to float32."""
    chosen: list[np.ndarray] = []
    random = np.random.default_rng(parts)
    while len(chosen) < 24:
        x = random.normal(size=parts - 1).astype(np.float32)
        softmax = np.exp(np.append(x, 0.0)) / (1 + np.exp(x.astype(float)).sum())
        broken = 1 / (1 + np.exp(np.log(np.arange(parts - 1, 0, -1)) - x))
        left = np.cumprod(np.append(1.0, 1 - broken))
        images = (softmax, left * np.append(broken, 1.0))
        if all(image.astype(np.float32).astype(float).sum() == 1 for image in images):
            chosen.append(x)
    return np.array(chosen)


_SIMPLEX = {"points": _compositions(3), "codomain": _UNIT}

# Products of matrices overflow on the way to numbers that float32 can hold.
_COMPOSED = (0.0, 1e-30, 1.0, -1.0, 1e4, -1e4, 1e15, -1e15, 1e30)
_MIXING = {"extremes": _COMPOSED, "identity_at_init": True}

BIJECTORS: dict[str, Case] = {
    "Elementwise": Case(lambda key: Elementwise(Affine(), (2, 3)), _FROM_IDENTITY),
    "Identity": Case(lambda key: Identity((3,)), {**_GROWS, "identity_at_init": True}),
    "Permute": Case(lambda key: Permute([2, 0, 3, 1]), {"structure": np.eye(4, dtype=bool)[[2, 0, 3, 1]]}),
    "Reverse": Case(lambda key: Reverse((2, 3))),
    "LU": Case(lambda key: LU(4, key=key)),
    "LU-identity": Case(lambda key: LU(3), {"identity_at_init": True}, slow=True),
    "Triangular": Case(lambda key: Triangular(3, key=key), {"structure": "lower"}),
    "Triangular-upper": Case(
        lambda key: Triangular(3, lower=False), {"structure": "upper", "identity_at_init": True}, slow=True
    ),
    "PLU": Case(lambda key: PLU(4, key=key), {"extremes": _COMPOSED}),
    "PLU-identity": Case(lambda key: PLU(3), _MIXING, slow=True),
    "Orthogonal": Case(lambda key: Orthogonal(4, reflections=3, key=key), {"extremes": _COMPOSED}),
    "Orthogonal-identity": Case(lambda key: Orthogonal(5), _MIXING, slow=True),
    "Orthogonal-cayley": Case(lambda key: Orthogonal(4, method="cayley"), _MIXING, slow=True),
    "Orthogonal-exp": Case(lambda key: Orthogonal(4, method="exp"), _MIXING, slow=True),
    "QR": Case(lambda key: QR(4), _MIXING),
    "QR-cayley": Case(lambda key: QR(3, method="cayley", key=key), {"extremes": _COMPOSED}, slow=True),
    "TriangularLowRank": Case(lambda key: TriangularLowRank(3, 2, key=key), {"extremes": _COMPOSED}),
    "Planar": Case(lambda key: Planar(3, key=key), {"identity_at_init": True}),
    "Planar-leaky_relu": Case(lambda key: Planar(3, bend="leaky_relu", key=key), _MIXING, slow=True),
    "Radial": Case(lambda key: Radial(3, key=key), {"identity_at_init": True}),
    "Sylvester": Case(lambda key: Sylvester(3, width=2, key=key), _MIXING),
    "Sylvester-householder": Case(lambda key: Sylvester(3, reflections=4, key=key), _MIXING, slow=True),
    "Sylvester-triangular": Case(
        lambda key: Sylvester(3, reflections=0, key=key), {**_MIXING, "structure": "upper"}, slow=True
    ),
    "Sylvester-leaky_relu": Case(
        lambda key: Sylvester(4, width=2, bend="leaky_relu", key=key), _MIXING, slow=True
    ),
    "Amortised": Case(lambda key: _amortised(Planar(3, key=key)), {"identity_at_init": True}),
    "Amortised-sylvester": Case(lambda key: _amortised(Sylvester(3, width=2, key=key)), _MIXING, slow=True),
    "Amortised-triangular": Case(lambda key: _amortised(Triangular(2)), _MIXING, slow=True),
    "Marginals": Case(
        _marginals,
        # Towards the data its tails grow as exp(x), which leaves float32 near 88.
        {**_GROWS, "points": 3 * _events(24, 2), "extremes": {"forward": (0.0, 2.0, -2.0, 20.0, -20.0)}},
    ),
    # The log-determinants of these two: tests/bijectors/test_simplex.py, since their Jacobian is not square.
    "SoftmaxCentered": Case(lambda key: SoftmaxCentered(3), _SIMPLEX),
    "StickBreaking": Case(lambda key: StickBreaking(3), _SIMPLEX),
    "BatchNorm": Case(
        lambda key: BatchNorm((3,), np.array([1.0, -2.0, 0.0]), np.array([4.0, 0.5, 1e-3])), _GROWS
    ),
    "BatchNorm-image": Case(lambda key: BatchNorm((2, 1, 2)), {"structure": "diagonal"}, slow=True),
    "BatchNorm-stack": Case(
        lambda key: Stack([Chain([BatchNorm((3,), np.ones(3)), Reverse((3,))]) for _ in range(2)]), slow=True
    ),
    "ActNorm": Case(lambda key: ActNorm((3,)), _FROM_IDENTITY),
    "ActNorm-image": Case(lambda key: ActNorm((2, 1, 2)), _FROM_IDENTITY, slow=True),
    "Coupling-affine": Case(lambda key: _affine_coupling(key, MLP, hidden=(8,)), _COUPLED, slow=True),
    "Coupling-spline": Case(
        _spline_coupling, {"structure": _pattern(alternating(4)), "identity_at_init": True}
    ),
    "Coupling-context": Case(lambda key: _spline_coupling(key, 2), {"identity_at_init": True}, slow=True),
    "Coupling-image": Case(
        _image_coupling, {"structure": _pattern(checkerboard((2, 3))), "identity_at_init": True}
    ),
    "Coupling-context_alone": Case(
        lambda key: Coupling(
            Affine(), MLP(key, 0, 4, context_features=3, hidden=(8,)), np.zeros(2, bool), (3,)
        ),
        _FROM_IDENTITY,
    ),
    "Autoregressive": Case(
        lambda key: Autoregressive(
            RationalQuadraticSpline(3), MADE(key, 3, 8, context_features=2, hidden=(6, 6)), (2,)
        ),
        {"structure": "lower", "identity_at_init": True},
        slow=True,  # "MADE" above is an affine one
    ),
    "AdditiveResidual": Case(
        lambda key: AdditiveResidual(
            MLP(key, 3, 1, hidden=(8,)), MLP(jr.fold_in(key, 1), 1, 3, hidden=(8,)), np.arange(4) == 2
        ),
        {"identity_at_init": True},
    ),
    "AdditiveResidual-context": Case(
        lambda key: AdditiveResidual(
            ResidualMLP(key, 2, 2, hidden=8, blocks=1, context_features=2),
            MLP(key, 2, 2, hidden=(8,), context_features=2),
            alternating(4),
            (2,),
        ),
        {"identity_at_init": True},
        slow=True,
    ),
    # "LipschitzMLP" above is an exact one.
    "Residual": Case(
        lambda key: Residual(LipschitzMLP(key, 3, hidden=(8,)), log_det="unbiased"), {"perturbation": 2.0}
    ),
    "Residual-series": Case(
        lambda key: Residual(
            LipschitzMLP(key, 4, hidden=(8, 8), context_features=2, lipschitz=0.9),
            (2, 2),
            (2,),
            log_det="series",
        ),
        {"identity_at_init": True},
        slow=True,
    ),
    "Continuous": Case(
        lambda key: _continuous(key, context=2, adjoint="direct"), {**_SOLVED, "only": _IN_FORWARD_MODE}
    ),
    "Continuous-checkpoint": Case(_continuous, {**_SOLVED, **_NO_FORWARD_MODE}, slow=True),
    "Continuous-backsolve": Case(
        lambda key: _continuous(key, adjoint="backsolve"), {**_SOLVED, **_NO_FORWARD_MODE}, slow=True
    ),
    "Chain": Case(_layer, {"extremes": _COMPOSED}),
    "Stack": Case(lambda key: Stack([_shuffled(k) for k in jr.split(key, 2)])),
    "Stack-constant": Case(
        lambda key: Stack([_shuffled(k) for k in jr.split(key, 2)], memory="constant"),
        {
            "expected_failures": {
                "gradcheck": "derivatives in reverse mode only",
                "cheap_side": "the passes are inside of one primitive; those of Stack are counted",
            }
        },
        slow=True,
    ),
    "Stack-linear": Case(
        lambda key: Stack([_layer(k) for k in jr.split(key, 3)]), {"extremes": _COMPOSED}, slow=True
    ),
    "Invert": Case(lambda key: Invert(Elementwise(Affine("softplus"), (3,))), _FROM_IDENTITY),
    "Invert-autoregressive": Case(
        lambda key: Invert(Autoregressive(Affine(), MADE(key, 4, 2, hidden=(8,)))),
        {"structure": "lower", "identity_at_init": True},
        slow=True,
    ),
}


# Laws.

_TWO = _events(16, 2)
_BOX = np.random.default_rng(0).uniform(0.05, 0.95, size=(16, 2)) * [1.0, 4.0] + [0.0, -1.0]
_ENDS = (np.array([0.0, -1.0]), np.array([1.0, 3.0]))
_COVARIANCE = np.array([[2.0, 0.6, 0.0], [0.6, 1.0, -0.3], [0.0, -0.3, 0.5]])


def _mixture(key: Key) -> Distribution:
    del key
    covariances = np.array([[[1.0, 0.5], [0.5, 0.6]], [[0.3, 0.0], [0.0, 2.0]]])
    return NormalMixture(np.array([0.3, 0.7]), np.array([[-2.0, 0.0], [1.5, 1.0]]), covariances)


def _autoregressive(
    law: ConditionalLaw, features: int, *, context: int = 0, ensemble: int = 0, slow: bool = False, **net: Any
) -> Case:
    def build(key: Key) -> Distribution:
        made = MADE(key, features, law.num_params, context_features=context, hidden=(8, 8), **net)
        shape = (context,) if context else None
        if ensemble:
            return AutoregressiveEnsemble(key, law, made, shape, members=ensemble)
        return AutoregressiveLaw(law, made, shape)

    claims: dict[str, Any] = {"perturbation": 0.3, "values": law.values}
    x = _events(16, features)
    if law.values is not None:
        x = np.random.default_rng(0).integers(0, law.values, size=(16, features)).astype(float)
    if context:
        claims["context"] = _events(16, context)
    return Case(build, claims, x, slow)


# Checks that integrate over all numbers of an event; tests/distributions/test_relaxed.py integrates over the plane.
_INTEGRALS = ("normalised", "samples_follow_log_prob")

_VALUES = [Cells("values")] * 2

LAWS: dict[str, Case] = {
    "StandardNormal": Case(lambda key: StandardNormal((1,)), x=_events(16, 1)),
    "StandardNormal-image": Case(lambda key: StandardNormal((2, 3)), x=_events(16, 6).reshape(16, 2, 3)),
    "Normal": Case(
        lambda key: Normal(jnp.array([1.0, -2.0]), jnp.array([0.5, 3.0])), x=_TWO + np.array([1.0, -2.0])
    ),
    "MultivariateNormal": Case(
        lambda key: MultivariateNormal(jnp.ones(3), _COVARIANCE), x=_events(16, 3) + 1
    ),
    "NormalMixture": Case(_mixture, x=_TWO),
    "Uniform": Case(lambda key: Uniform(*_ENDS), {"support": _ENDS}, x=_BOX),
    "Laplace": Case(lambda key: Laplace(jnp.array([0.0, 1.0]), jnp.array([1.0, 0.3])), x=_TWO),
    "Logistic": Case(lambda key: Logistic(jnp.array([0.0, 1.0]), jnp.array([1.0, 0.3])), x=_TWO),
    "StandardLogistic": Case(lambda key: StandardLogistic((1,)), x=_events(16, 1)),
    "StudentT": Case(lambda key: StudentT(jnp.array([2.5, 7.0])), x=_TWO),
    "StudentT-cauchy": Case(lambda key: StudentT(jnp.ones(1)), x=_events(16, 1), slow=True),
    "Gumbel": Case(lambda key: Gumbel(jnp.array([0.0, 1.0]), jnp.array([1.0, 0.3])), x=_TWO),
    "Kumaraswamy": Case(
        lambda key: Kumaraswamy(jnp.array([2.0, 1.5]), jnp.array([3.0, 2.0])),
        {"support": (0.0, 1.0)},
        x=np.random.default_rng(0).uniform(0.05, 0.95, size=(16, 2)),
    ),
    "LogNormal": Case(
        lambda key: LogNormal(jnp.array([0.5]), jnp.array([0.4])),
        x=np.exp(0.5 + 0.4 * _events(16, 1)),
    ),
    "LogitNormal": Case(
        lambda key: LogitNormal(jnp.array([0.0, 1.0]), jnp.array([1.0, 0.5])),
        {"support": (0.0, 1.0)},
        x=1 / (1 + np.exp(-_TWO)),
    ),
    "ExpConcrete": Case(lambda key: ExpConcrete(0.7, jnp.array([0.0, 0.5, -0.5])), x=_TWO),
    "RelaxedOneHotCategorical": Case(
        lambda key: RelaxedOneHotCategorical(0.7, jnp.array([0.0, 0.5, -0.5])),
        {"support": (0.0, 1.0), "expected_failures": dict.fromkeys(_INTEGRALS, "a density on a plane")},
        x=np.random.default_rng(0).dirichlet([3.0, 3.0, 3.0], size=16),
    ),
    "AutoregressiveLaw": _autoregressive(ConditionalNormal(), 2, context=2),
    "AutoregressiveLaw-mixture": _autoregressive(ConditionalMixture(3), 2, order="reversed"),
    "AutoregressiveLaw-bernoulli": _autoregressive(ConditionalBernoulli(), 5, order="random"),
    "AutoregressiveLaw-categorical": _autoregressive(ConditionalCategorical(3), 3, context=2, direct=True),
    "AutoregressiveEnsemble": _autoregressive(ConditionalBernoulli(), 4, ensemble=3),
    "AutoregressiveEnsemble-normal": _autoregressive(
        ConditionalNormal(), 2, ensemble=3, context=2, residual=True, direct=True, slow=True
    ),
    "Dequantized": Case(
        lambda key: Dequantized(
            get("realnvp")(key, features=2, layers=2, hidden=(8,)), Encoder.blank(_VALUES, 8)
        ),
        {"perturbation": 0.1},
        x=_TWO,
    ),
    "Product": Case(lambda key: Product([StudentT(5.0), Normal(jnp.ones(2), 2.0)]), x=_events(16, 3)),
}


# Recipes, with their parameters away from the initial ones.


def _recipe(
    name: str,
    features: int,
    *,
    slow: bool = False,
    context: int = 0,
    whole: int | None = None,
    **arguments: Any,
) -> Case:
    claims: dict[str, Any] = {"perturbation": 0.1, "values": whole}
    x = _events(16, features)
    if whole is not None:
        x = np.random.default_rng(0).integers(0, whole, size=(16, features)).astype(float)
    if context:
        claims["context"] = _events(16, context)
        arguments["context_features"] = context
    return Case(lambda key: get(name)(key, features=features, **arguments), claims, x, slow=slow)


_SMALL: dict[str, Any] = {"layers": 2, "hidden": (8,)}

# tests/distributions/test_dequantized.py holds it to the probabilities of its boxes instead.
_SUMS, _BOUND = ("normalised", "samples_follow_log_prob"), "log_prob is a bound, by a few points of each box"

_TIGHT: dict[str, Any] = {"hidden": (8,), "method": "dopri8", "rtol": 1e-9, "atol": 1e-9}
# Each program of a continuous flow takes seconds to compile: these checks share two, the others are slow.
_AT_THE_DOOR = ("context_matters", "bad_input_raises", "nan_stays_nan", "save_and_load")

# Where the layers have cases of their own that run by default, the recipe's may be slow: the default run has a limit.
RECIPES: dict[str, Case] = {
    "nice": _recipe("nice", 2, **_SMALL),
    "nice-odd": _recipe("nice", 5, layers=3, hidden=(8,), slow=True),
    "realnvp": _recipe("realnvp", 3, context=2, **_SMALL),
    "realnvp-constant": _recipe("realnvp", 3, context=2, memory="constant", slow=True, **_SMALL),
    "nsf": _recipe("nsf", 2, bins=4, **_SMALL),
    "nsf-context": _recipe("nsf", 4, context=2, bins=4, slow=True, **_SMALL),
    "nsf-one_feature_in_context": _recipe("nsf", 1, context=2, bins=4, slow=True, **_SMALL),
    "maf": _recipe("maf", 3, context=2, **_SMALL),
    "maf-batch_norm": _recipe("maf", 3, batch_norm=True, **_SMALL),
    "realnvp-batch_norm": _recipe("realnvp", 3, batch_norm=True, slow=True, layers=3, hidden=(8,)),
    "maf-sampling": _recipe("maf", 3, fast="sampling", residual=True, slow=True, **_SMALL),
    "iaf": _recipe("iaf", 2, **_SMALL),
    "iaf-context": _recipe("iaf", 3, context=2, fast="density", slow=True, **_SMALL),
    "made": _recipe("made", 3, context=2, hidden=(8, 8), residual=True, order="random"),
    "made-bernoulli": _recipe("made", 4, whole=2, hidden=(8,), law="bernoulli", direct=True),
    "made-categorical": _recipe(
        "made",
        3,
        whole=4,
        hidden=(8, 8),
        law="categorical",
        values=4,
        context=2,
        ensemble=3,
        dropout=0.2,
        slow=True,
    ),
    "made_mog": _recipe("made_mog", 2, hidden=(8,), components=3),
    "maf_mog": _recipe("maf_mog", 2, components=2, **_SMALL),
    "maf_mog-batch_norm": _recipe("maf_mog", 2, components=2, batch_norm=True, slow=True, **_SMALL),
    "maf_mog-context": _recipe("maf_mog", 3, components=4, context=2, slow=True, **_SMALL),
    "naf": _recipe("naf", 2, layers=1, units=3, hidden=(8,)),
    "naf-context": _recipe("naf", 3, context=2, units=4, depth=2, slow=True, **_SMALL),
    "naf-sampling": _recipe("naf", 2, units=3, fast="sampling", residual=True, slow=True, **_SMALL),
    "umnn": _recipe("umnn", 2, layers=1, units=3, slow=True, hidden=(8,)),
    "umnn-context": _recipe("umnn", 3, context=2, units=4, slow=True, **_SMALL),
    "sos": _recipe("sos", 2, layers=1, degree=2, terms=2, slow=True, hidden=(8,)),
    "sos-context": _recipe("sos", 3, context=2, slow=True, **_SMALL),
    "bernstein": _recipe("bernstein", 2, layers=1, degree=4, hidden=(8,)),
    "bernstein-context": _recipe("bernstein", 3, context=2, slow=True, **_SMALL),
    "flowpp": _recipe("flowpp", 2, layers=2, components=2, hidden=8, blocks=1),
    "flowpp-context": _recipe("flowpp", 3, context=2, layers=3, components=3, hidden=8, blocks=1, slow=True),
    "flowpp-one_feature_in_context": _recipe(
        "flowpp", 1, context=2, layers=2, components=3, hidden=8, blocks=1, slow=True
    ),
    "gaussianization": _recipe("gaussianization", 2, layers=2, components=2, slow=True),
    "gaussianization-context": _recipe("gaussianization", 3, context=2, components=3, slow=True, **_SMALL),
    "planar": _recipe("planar", 2, layers=2),
    "planar-context": _recipe("planar", 3, context=2, fast="density", slow=True, **_SMALL),
    "planar-leaky_relu": _recipe("planar", 2, bend="leaky_relu", layers=3, slow=True),
    "radial": _recipe("radial", 2, layers=2, slow=True),
    "radial-context": _recipe("radial", 3, context=2, fast="density", slow=True, **_SMALL),
    "sylvester": _recipe("sylvester", 3, layers=2, width=2),
    "sylvester-context": _recipe("sylvester", 2, context=2, width=2, slow=True, **_SMALL),
    "sylvester-householder": _recipe(
        "sylvester", 3, layers=2, kind="householder", reflections=2, fast="density", slow=True
    ),
    "sylvester-triangular": _recipe("sylvester", 3, layers=2, kind="triangular", slow=True),
    "mlp_flow": _recipe("mlp_flow", 2, layers=2, rank=1),
    "mlp_flow-context": _recipe("mlp_flow", 3, context=2, slow=True, **_SMALL),
    "iresnet": _recipe("iresnet", 2, **_SMALL),
    "iresnet-context": _recipe("iresnet", 3, context=2, slow=True, terms=8, **_SMALL),
    "residual_flow": _recipe("residual_flow", 2, slow=True, **_SMALL),
    "residual_flow-unbiased": _recipe("residual_flow", 3, context=2, log_det="unbiased", slow=True, **_SMALL),
    "ffjord": dataclasses.replace(
        _recipe("ffjord", 2, context=2, **_TIGHT),
        claims={"perturbation": 0.1, "context": _events(16, 2), "only": _AT_THE_DOOR},
    ),
    "ffjord-in_full": _recipe("ffjord", 2, context=2, slow=True, **_TIGHT),
    "ffjord-two_layers": _recipe("ffjord", 1, layers=2, activation="softplus", slow=True, **_TIGHT),
    "table": _recipe("table", 2, flow="realnvp", options=_SMALL, knots=4),
    "mixed": Case(
        lambda key: get("mixed")(
            key, columns=({"kind": "levels", "count": 3},) * 2, flow="realnvp", options=_SMALL, draws=64
        ),
        {"values": 3, "perturbation": 0.1, "expected_failures": dict.fromkeys(_SUMS, _BOUND)},
        x=np.random.default_rng(0).integers(0, 3, size=(16, 2)).astype(float),
    ),
}
