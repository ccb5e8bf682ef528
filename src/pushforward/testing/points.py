"""Where a bijector is looked at: ordinary events, and events that hold an extreme number."""

from typing import Any

import equinox as eqx
import jax
import numpy as np

_LIMITS = np.finfo(np.float32)
Interval = tuple[float, float]


def draw(
    random: np.random.Generator, rows: int, shape: tuple[int, ...], interval: Interval | None
) -> np.ndarray:
    """Draw events with elements from an open interval, or from all real numbers.

    Without an interval a third of the rows is far out, up to 100: a map that claims all real numbers must be
    invertible there too in float64, which tanh is not.

    Args:
        random: the source of randomness.
        rows: how many events.
        shape: shape of one event.
        interval: where the elements must lie; None for all real numbers.

    Returns:
        float32, shape (rows, *shape).
    """
    normal = random.normal(size=(rows, *shape)).astype(np.float32)
    if interval is None:
        scales = np.resize(np.array([1.0, 0.3, 3.0, 1.0, 1.0, 6.0], np.float32), rows)
        scales[-4:] = [30.0, 30.0, 100.0, 100.0]
        far = np.sign(normal) + np.float32(0.01) * normal
        spread = scales.reshape((rows,) + (1,) * len(shape))
        return np.where(spread > 3, far * spread, normal * spread).astype(np.float32)
    low, high = interval
    if np.isfinite(low) and np.isfinite(high):
        share = 0.01 + 0.98 / (1 + np.exp(-1.5 * normal))
        return (low + (high - low) * share).astype(np.float32)
    return (low + np.exp(normal) if np.isfinite(low) else high - np.exp(normal)).astype(np.float32)


def bounds(bijector: Any) -> tuple[float, ...]:
    """The positive numbers that modules inside a bijector call `bound`: splines have kinks there."""
    found = {getattr(module, "bound", None) for module in submodules(bijector)}
    return tuple(sorted(float(bound) for bound in found if isinstance(bound, (int, float)) and bound > 0))


def submodules(tree: Any) -> list[eqx.Module]:
    """Return every module in a tree, the tree itself included."""
    found: list[eqx.Module] = []

    def visit(node: Any) -> bool:
        if isinstance(node, eqx.Module):
            found.append(node)
        return False

    jax.tree.leaves(tree, is_leaf=visit)
    return found


def extremes(kinks: tuple[float, ...], interval: Interval | None) -> np.ndarray:
    """The numbers that the checks at the edges use, as float32.

    Zeros of both signs, the smallest normal number, 1, every kink with its two neighbours, 1e4, 1e15, half
    the largest number, all with both signs; with an interval, those inside it and the neighbours of its ends.

    Args:
        kinks: where the map's formula changes; used with both signs.
        interval: the open interval in which the map is defined; None for all real numbers.
    """
    with np.errstate(over="ignore"):
        numbers = [0.0, _LIMITS.tiny, 1.0, 1e4, 1e15, _LIMITS.max / 2]
        for kink in np.asarray(kinks, np.float32):
            numbers += [kink, np.nextafter(kink, np.float32(np.inf)), np.nextafter(kink, np.float32(0))]
        values = np.array([*numbers, *(-np.array(numbers))], np.float32)
    if interval is None:
        return values
    low, high = (np.float32(end) for end in interval)
    inside = values[(values > low) & (values < high)]
    # Next to zero the smallest normal number: processors may flush the numbers below it to zero.
    ends = [np.nextafter(low, high) if low != 0 else _LIMITS.tiny]
    ends += [np.nextafter(high, low) if high != 0 else -_LIMITS.tiny]
    return np.array([*inside, *(end for end in ends if abs(end) < _LIMITS.max)], np.float32)


def edge_events(numbers: np.ndarray, ordinary: np.ndarray) -> tuple[np.ndarray, list[str]]:
    """Return events that hold a number everywhere, only in the first, or only in the last element.

    Args:
        numbers: the extremes.
        ordinary: an ordinary event, which fills the other elements.

    Returns:
        The events, shape (n, *shape), and a description of each.
    """
    events, places = [], []
    for number in numbers:
        patterns = {"every element": slice(None)}
        if ordinary.size > 1:
            patterns |= {"the first element": slice(0, 1), "the last element": slice(-1, None)}
        for place, where in patterns.items():
            event = ordinary.reshape(-1).copy()
            event[where] = number
            events.append(event.reshape(ordinary.shape))
            places.append(f"{place} = {number!r}")
    return np.array(events, np.float32), places


def to_rows(array: np.ndarray, rows: int) -> np.ndarray:
    """Repeat the rows of an array until there are as many as asked for."""
    return array[np.arange(rows) % len(array)]


def describe(events: np.ndarray) -> list[str]:
    """A short text for every event: its index and its first elements."""
    texts = []
    for index, event in enumerate(events):
        flat = event.reshape(-1)
        shown = ", ".join(f"{value:.6g}" for value in flat[:4])
        texts.append(f"row {index} [{shown}{', ...' if flat.size > 4 else ''}]")
    return texts
