"""What a failed command tells the user, and its exit code."""

from .. import errors

FAILED = 1
"""The exit code of what went wrong on the way: a full disk, a training that broke, a bug."""

BAD_INPUT = 2
"""The exit code of what was asked for wrongly: options, tables, model files, paths."""

INTERRUPTED = 130
"""The exit code after Ctrl-C."""

_INPUT_ERRORS = (
    errors.BadCheckpoint,
    errors.BadModelFile,
    errors.BadTable,
    errors.ConfigError,
    errors.DomainError,
    errors.ShapeError,
    FileNotFoundError,
    IsADirectoryError,
    NotADirectoryError,
    PermissionError,
)


def explain(error: BaseException) -> tuple[str, int]:
    """Return one line about an error, without a traceback, and the exit code that goes with it."""
    code = BAD_INPUT if isinstance(error, _INPUT_ERRORS) else FAILED
    if isinstance(error, OSError) and error.strerror is not None:
        place = f"{error.filename}: " if error.filename is not None else ""
        return _one_line(f"{place}{error.strerror[:1].lower()}{error.strerror[1:]}"), code
    if isinstance(error, errors.PushforwardError | OSError):
        return _one_line(str(error)), code
    if isinstance(error, MemoryError):
        return "not enough memory.", code
    usage = getattr(error, "format_message", None)
    if usage is not None:  # what typer raises for wrong options
        return _one_line(f"{usage().rstrip('.')}. {_hint(error)}"), getattr(error, "exit_code", BAD_INPUT)
    what = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    return _one_line(f"unexpected {what}. This is a bug of pushforward; --debug shows where."), code


def _hint(error: BaseException) -> str:
    context = getattr(error, "ctx", None)
    return "" if context is None else f"See `{context.command_path} --help`."


def _one_line(text: str) -> str:
    return " ".join(text.split())
