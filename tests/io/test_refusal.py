import pytest

from pushforward.errors import BadModelFile
from pushforward.io.refusal import Refused, naming_file, show


def test_the_message_names_file_key_expected_and_got():
    cause = KeyError("x")
    with pytest.raises(BadModelFile) as caught, naming_file("m.safetensors"):
        raise Refused('key "recipe"', "a name", "none") from cause
    assert str(caught.value) == 'm.safetensors: key "recipe": expected a name, got none. Nothing was loaded.'
    assert caught.value.__cause__ is cause


def test_other_errors_pass():
    with pytest.raises(ZeroDivisionError), naming_file("m.safetensors"):
        raise ZeroDivisionError


def test_show_is_short_and_printable():
    assert show("a") == '"a"'
    assert show([1, None, 2.5]) == "[1, null, 2.5]"
    assert show("\x1b[2J\n\ud800é") == r'"\u001b[2J\n\ud800\u00e9"'
    assert show("x" * 100) == '"' + "x" * 79 + "..."
