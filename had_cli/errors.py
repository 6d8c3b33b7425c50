"""One root for every error that ``had`` raises on purpose.

Each class also inherits the builtin that a Python caller would expect, so that
``except FileNotFoundError`` works in a notebook while the command line catches :class:`HadError`
alone. A message is one line: what is wrong, with which file, and what to do.
"""

_LONGEST = 1200  # characters of a message


class HadError(Exception):
    """The root: the data or the run failed (exit status 1)."""


class SceneError(HadError, ValueError):
    """A scene cannot be read, or holds what no method can work on."""


class SceneNotFoundError(SceneError, FileNotFoundError):
    """There is no file at the path given for a scene, a mask or a truth."""

    __str__ = Exception.__str__  # FileNotFoundError would print errno's form


class OutputError(HadError, OSError):
    """An output cannot be written."""

    __str__ = Exception.__str__


class OutputExistsError(OutputError, FileExistsError):
    """The output exists and ``--overwrite`` was not given."""

    __str__ = Exception.__str__


class WeightsError(HadError, ValueError):
    """A weights file is damaged, belongs to another method, or is missing."""


class PluginError(HadError, ImportError):
    """A plugin is broken, or the method, reader or writer asked for does not exist."""

    __str__ = Exception.__str__


class DeviceError(HadError, RuntimeError):
    """The device asked for does not exist or cannot be used."""


class ClusterError(HadError, ConnectionError):
    """A cluster cannot be reached, or was lost during the work."""

    __str__ = Exception.__str__


class UsageError(HadError, ValueError):
    """A value given by the caller is outside what is accepted (exit status 2)."""


class UnknownMethodError(PluginError, UsageError):
    """No plugin brings the method asked for (exit status 2)."""


def plain(text: str) -> str:
    """Return text on one line, in which nothing speaks to the terminal: names come out of files."""
    line = " ".join(text.split())
    if len(line) > _LONGEST:  # a library may show all that it was given
        line = f"{line[: _LONGEST // 2]} ... {line[-_LONGEST // 4 :]}"
    return line if line.isprintable() else "".join(c if c.isprintable() else "\ufffd" for c in line)


def message(error: BaseException) -> str:
    """Return the one line that tells ``error`` to a user."""
    text = plain(str(error))
    if isinstance(error, HadError):
        return text
    if isinstance(error, MemoryError):
        return "not enough memory; give less at a time with --memory or --window"
    if isinstance(error, OSError) and error.strerror:  # the system's own words: full disk, no permission
        return plain(f"{error.filename}: {error.strerror}") if error.filename else error.strerror
    return (
        f"unexpected {type(error).__name__}: {text} (this is a fault of had or a plugin; --debug shows where)"
    )
