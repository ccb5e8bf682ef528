"""Sources of rows for tests."""

import numpy as np


class Groups:
    """Rows in memory, cut into groups; what was read is noted.

    Args:
        arrays: the groups, each x or a tuple (x, context).
        buffer: rows that are mixed.
        in_order: see `RowSource`.
        block: rows of the blocks that are given.
    """

    def __init__(self, arrays, *, buffer=2**20, in_order=False, block=64):
        self.arrays, self.buffer, self.in_order, self.block = arrays, buffer, in_order, block
        self.sizes = [len(array[0] if isinstance(array, tuple) else array) for array in arrays]
        self.asked = []

    def read(self, groups):
        for group in groups:
            self.asked.append(group)
            array = self.arrays[group]
            for low in range(0, self.sizes[group], self.block):
                cut = slice(low, low + self.block)
                yield tuple(part[cut] for part in array) if isinstance(array, tuple) else array[cut]

    def describe(self):
        return {"kind": "groups"}


def cut(rows, *sizes):
    """Cut an array into groups of some sizes."""
    assert sum(sizes) == len(rows)
    return np.split(rows, np.cumsum(sizes)[:-1])
