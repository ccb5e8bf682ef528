"""Would a fixed point find samples of a masked autoregressive flow sooner than turns? Measured on trained flows.

    python benchmarks/run_fixed_point.py bsds300 mnist [--seconds 300]

Trains a MAF of 5 layers as the card of the data set has it (`replications/cards.py`), and inverts its layers for 100
samples of its base in two ways: by turns, as the library does, and by Jacobi's iteration (Song et al. 2021,
arXiv:2002.03629): x <- map^-1(y; net(x)) for all elements at once, one full pass of the net each, until no element of
any sample changes by more than 1e-5 of 1 + |x|. It is exact after as many passes as there are elements. Prints the
passes that each layer took, and both times. The figures are in ../docs/inverting.md.
"""

import argparse
import statistics
import time

import jax
import jax.numpy as jnp
import jax.random as jr

import pushforward as pf
from pushforward.bijectors import Autoregressive
from replications.cards import CARDS
from replications.datasets import DATA

ROWS = 100
TOLERANCE = 1e-5


def trained(data: str, seconds: float) -> pf.Flow:
    """The MAF of a card without batch normalisation, trained for some seconds."""
    card, rows = CARDS[f"{data}-maf"], DATA[data]()
    flow = pf.flows.maf(jr.key(0), features=rows.train.shape[1], layers=5, hidden=card.arguments["hidden"])
    optimizer = pf.Optimizer(learning_rate=card.rate)
    held_out = rows.validation[:2000]
    result = pf.fit(
        flow, rows.train, key=jr.key(1), validation=held_out, max_seconds=seconds, optimizer=optimizer
    )
    print(
        f"{data}: {result.steps} steps, validation {-result.best_validation_loss - rows.log_scale:.2f} nats"
    )
    return result.flow


@jax.jit
def by_passes(layer: Autoregressive, y: jax.Array) -> tuple[jax.Array, jax.Array]:
    """The layer's inverse of a batch by Jacobi's iteration, and the passes of the net that it took."""

    def one_pass(x: jax.Array, y: jax.Array) -> jax.Array:
        params = layer.net(x)
        return jax.vmap(layer.map.inverse, in_axes=(1, 0))(params, y)[0]

    def goes_on(state: tuple) -> jax.Array:
        return state[2] & (state[1] <= y.shape[1])

    def go(state: tuple) -> tuple:
        x, count, _ = state
        new = jax.vmap(one_pass)(x, y)
        return new, count + 1, jnp.any(jnp.abs(new - x) > TOLERANCE * (1 + jnp.abs(x)))

    x, count, _ = jax.lax.while_loop(goes_on, go, (y, jnp.int32(0), jnp.bool_(True)))
    return x, count


@jax.jit
def by_turns(layer: Autoregressive, y: jax.Array) -> jax.Array:
    """The layer's inverse of a batch as the library finds it."""
    return jax.vmap(layer.inverse)(y)


def seconds_of(function, *args) -> float:
    """The median time of a compiled call."""
    jax.block_until_ready(function(*args))
    times = []
    for _ in range(9):
        start = time.perf_counter()
        jax.block_until_ready(function(*args))
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def compare(flow: pf.Flow) -> None:
    """Invert layer by layer, in sampling order, and print."""
    y = flow.base.sample(jr.key(2), ROWS)
    parts = [part for inverted in flow.layers() for part in reversed(inverted.bijector.bijectors)]
    for part in parts:
        if not isinstance(part, Autoregressive):
            y = jax.vmap(part.inverse)(y)
            continue
        exact = by_turns(part, y)
        x, count = by_passes(part, y)
        error = float(jnp.max(jnp.abs(x - exact) / (1 + jnp.abs(exact))))
        turns, passes = (1e3 * seconds_of(way, part, y) for way in (by_turns, by_passes))
        print(
            f"  turns {turns:.1f} ms; {int(count)} passes {passes:.1f} ms; differ by {error:.1e}", flush=True
        )
        y = exact


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("data", nargs="+", choices=["bsds300", "mnist"])
    parser.add_argument("--seconds", type=float, default=300.0)
    args = parser.parse_args()
    for data in args.data:
        compare(trained(data, args.seconds))


if __name__ == "__main__":
    main()
