import pytest

from pushforward.io.arguments import check_arguments

KNOWN = "features, context_features, layers, hidden, offset, note"


def check(arguments, stored=10**7, recipe="tiny"):
    check_arguments(recipe, arguments, stored)


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"features": 3, "layers": 1024, "hidden": [64, 64], "offset": -1e300, "note": None},
        {"features": 1, "hidden": None, "layers": None, "context_features": 0},
        {"features": 1, "hidden": 64, "note": {"a": [1, True, "x", -(2**20)]}},
    ],
)
def test_plausible_arguments_pass(tiny, arguments):
    check(arguments)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"key": 1}, f'key "arguments": expected the arguments of tiny ({KNOWN}), got "key"'),
        ({"__class__": 1}, f'key "arguments": expected the arguments of tiny ({KNOWN}), got "__class__"'),
        (
            {"features": 10**6 + 1},
            'argument "features": expected whole numbers from 0 to 1000000, got 1000001',
        ),
        ({"features": -1}, 'argument "features": expected whole numbers from 0 to 1000000, got -1'),
        ({"features": 3.0}, 'argument "features": expected whole numbers from 0 to 1000000, got 3.0'),
        ({"features": True}, 'argument "features": expected whole numbers from 0 to 1000000, got true'),
        ({"features": "3"}, 'argument "features": expected whole numbers from 0 to 1000000, got "3"'),
        ({"layers": 10**9}, 'argument "layers": expected whole numbers from 0 to 1024, got 1000000000'),
        (
            {"context_features": 10**7},
            'argument "context_features": expected whole numbers from 0 to 1000000, got 10000000',
        ),
        ({"hidden": 2**16 + 1}, 'argument "hidden": expected whole numbers from 0 to 65536, got 65537'),
        ({"hidden": [8, 2**17]}, 'argument "hidden": expected whole numbers from 0 to 65536, got 131072'),
        ({"hidden": {"a": 1}}, 'argument "hidden": expected whole numbers from 0 to 65536, got {"a": 1}'),
        ({"offset": 2**20 + 1}, 'argument "offset": expected whole numbers of at most 1048576, got 1048577'),
        ({"note": "x" * 257}, 'argument "note": expected text of at most 256 letters, got 257 letters'),
        (
            {"note": {"layers": 2000}},
            'argument "note", "layers": expected whole numbers from 0 to 1024, got 2000',
        ),
        (
            {"note": {"a": {"hidden": [1.5]}}},
            'argument "note", "a", "hidden": expected whole numbers from 0 to 65536, got 1.5',
        ),
        ({"note": [[-(2**21)]]}, 'argument "note": expected whole numbers of at most 1048576, got -2097152'),
    ],
)
def test_refusals(tiny, refused, arguments, message):
    assert refused(check, arguments) == message


@pytest.mark.parametrize("recipe", ["unknown", "os.system", "tiny ", "__class__", "", "../tiny"])
def test_an_unknown_recipe(tiny, refused, recipe):
    message = f'key "recipe": expected one of the 1 known recipes (tiny), got "{recipe}"'
    assert refused(check, {}, recipe=recipe) == message


@pytest.mark.parametrize(
    ("arguments", "size"),
    [
        ({"features": 10**6}, 10**6),
        ({"features": 1000, "layers": 1000}, 10**6),
        ({"features": 1000, "hidden": [100, 1000]}, 1000 + 100_000 + 100_000),
        ({"features": 10, "context_features": 990, "hidden": 1000}, 1000 + 10**6),
        ({"features": [500, 500], "hidden": [1000]}, 1000 + 10**6),
        ({"features": 1000, "note": {"layers": 500, "x": [1, {"layers": 500}]}}, 10**6),
        ({"features": 1000, "note": {"hidden": [100, 1000]}}, 1000 + 100_000 + 100_000),
    ],
)
def test_the_size_of_the_flow_is_bounded_by_the_file(tiny, refused, arguments, size):
    """The allowance is 65,536 numbers, and 2 for each byte of the file's arrays."""
    enough = -((65_536 - size) // 2)
    check(arguments, stored=enough)
    most = 65_536 + 2 * (enough - 1)
    assert refused(check, arguments, stored=enough - 1) == (
        f'key "arguments": expected a flow of at most {most} numbers, as the arrays of the file take '
        f"{enough - 1} bytes, got arguments for one of {size}"
    )
