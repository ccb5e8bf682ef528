"""Every named error is one of the library's, and also the builtin that an ordinary `except` would look for."""

import builtins
import inspect

import pytest

from pushforward import errors

NAMED = [
    error
    for name, error in vars(errors).items()
    if inspect.isclass(error) and error is not errors.PushforwardError
]


@pytest.mark.parametrize("error", NAMED, ids=lambda error: error.__name__)
def test_it_is_caught_by_the_builtin_too(error):
    assert issubclass(error, errors.PushforwardError)
    ordinary = [base for base in error.__mro__ if base.__module__ == "builtins"]
    assert set(ordinary) - {Exception, BaseException, object}
    assert error.__doc__.startswith("Raised when ")
    assert not hasattr(builtins, error.__name__)
