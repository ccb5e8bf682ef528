"""The reading of options with a grammar of their own, and the check of output paths."""

import inspect
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from ..errors import ConfigError


def column_names(text: str | None, option: str = "--columns") -> list[str] | None:
    """Return the names in "AT,AP,CO", or None if none are given."""
    if text is None:
        return None
    names = [name.strip() for name in text.split(",")]
    if not all(names):
        raise ConfigError(f"{option}: expected names separated by commas, got {text!r}.")
    return names


def column_kinds(texts: Sequence[str] | None) -> dict[str, str]:
    """Return the kinds in "age=count", "share=interval(0,100)", ..., by the names of the columns."""
    kinds = {}
    for text in texts or ():
        name, equals, kind = text.rpartition("=")
        if not equals or not name.strip() or not kind.strip():
            raise ConfigError(f"--column: expected name=kind, such as age=count, got {text!r}.")
        kinds[name.strip()] = kind.strip()
    return kinds


def as_missing(text: str) -> Literal["refuse", "drop", "model"]:
    """Return what is to become of missing values, or raise."""
    if text == "refuse" or text == "drop" or text == "model":
        return text
    raise ConfigError(f"--missing: expected refuse, drop or model, got {text!r}.")


def check_schema_options(schema: Path | None, kinds: dict[str, str], missing: str) -> None:
    """Raise a ConfigError where a schema file is contradicted by other options."""
    if schema is not None and kinds:
        raise ConfigError(
            "--column: a schema file says what the columns are: change it there, or leave out --schema."
        )
    if schema is not None and as_missing(missing) == "model":
        raise ConfigError("--missing model: a schema file says where values may be missing: change it there.")


def conditions(text: str) -> dict[str, str]:
    """Return the values in "a=3,b=high", by the names of the columns."""
    found = {}
    for item in text.split(","):
        name, equals, value = item.partition("=")
        if not equals or not name.strip() or not value.strip():
            raise ConfigError(
                f"--given: expected values such as a=3,b=high, or a table of them, got {text!r}."
            )
        found[name.strip()] = value.strip()
    return found


def recipe_options(texts: Sequence[str] | None) -> dict[str, Any] | None:
    """Return the recipe's arguments in "layers=4", "hidden=64,64", ...; None if none are given."""
    options = {}
    for text in texts or ():
        name, equals, value = text.partition("=")
        if not equals or not name.strip() or not value.strip():
            raise ConfigError(f"--option: expected name=value, such as layers=4, got {text!r}.")
        options[name.strip().replace("-", "_")] = _value(value.strip())
    return options or None


_SHORT = {"nsf_ar": ("nsf", {"autoregressive": True})}
"""Names that stand for a recipe with an argument."""


def check_recipe(flow: str, options: dict[str, Any] | None) -> tuple[str, dict[str, Any] | None]:
    """Return a recipe's name, and its arguments with single values made lists where it takes several.

    Args:
        flow: the name of a recipe, with hyphens or underscores; "nsf-ar" for an autoregressive nsf; or "auto".
        options: as `recipe_options` reads them.

    Raises:
        ConfigError: if there is no such recipe, or an argument is not of the kind that it takes.
    """
    from ..flows import registry

    known = [name for name in registry.names() if name != "table"]
    plain = flow.replace("-", "_")
    name, implied = _SHORT.get(plain, (plain, {}))
    if name != "auto" and name not in known:
        raise ConfigError(f"--flow: expected auto, nsf-ar or one of {', '.join(known)}, got {flow!r}.")
    if options is None:
        return name, implied or None
    if name == "auto":
        raise ConfigError("--option: its meaning depends on the recipe: name one with --flow.")
    parameters = inspect.signature(registry.get(name)).parameters
    given = {
        key: _like(key, parameters[key].default, value) if key in parameters else value
        for key, value in options.items()
    }
    return name, implied | given


def check_output(path: Path, inputs: Sequence[Path]) -> None:
    """Raise if a file cannot be written, or would replace an input: before the work, not after it.

    Raises:
        OSError: if the folder is missing, or the path is a folder.
        ConfigError: if the path is one of the inputs.
    """
    if path.is_dir():
        raise IsADirectoryError(f"{path} cannot be written: it is a folder, and a file name is needed.")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"{path} cannot be written: the folder {path.parent} does not exist.")
    for item in inputs:
        if path.exists() and item.exists() and path.samefile(item):
            raise ConfigError(f"{path} cannot be written: it is also an input. Choose another name with -o.")


def _like(name: str, default: Any, value: Any) -> Any:
    """Return a value of the kind of the default, or raise."""
    several = isinstance(default, tuple) and bool(default)
    values = value if several and isinstance(value, list) else [value]
    kind = type(default[0] if several else default)
    allowed = (int, float) if kind is float else kind
    if kind in (bool, int, float, str):
        wrong = [
            item
            for item in values
            if not isinstance(item, allowed) or isinstance(item, bool) != (kind is bool)
        ]
        if wrong:
            raise ConfigError(f"--option: expected {name} to be like {default!r}, got {wrong[0]!r}.")
    return values if several else value


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return [_value(part.strip()) for part in text.split(",")] if "," in text else text
