"""sqlite-art: a SQLite extension for tables whose keys are paths.

    import sqlite3, sqlite_art

    db = sqlite3.connect("files.db", isolation_level=None)  # None: BEGIN and COMMIT are yours
    sqlite_art.load(db)

Then `db` has art tables. Lines with --> are what a query gives:

@QUERIES@
"""
import inspect
import os
import sysconfig
from typing import Any, Protocol, Union

__all__ = ["load", "loadable_path"]
__version__ = "@VERSION@"

_TAG = "@TAG@"


class _Sqlite3(Protocol):
    def enable_load_extension(self, __enable: bool) -> Any: ...
    def load_extension(self, __path: str) -> Any: ...


class _Apsw(Protocol):
    def enableloadextension(self, enable: bool) -> Any: ...
    def loadextension(self, filename: str) -> Any: ...


def loadable_path() -> str:
    """The path of the extension for load_extension() and .load, without .so or .dll, which SQLite adds."""
    return os.path.join(os.path.dirname(os.path.abspath(__file__)), "art")


def load(db: Union[_Sqlite3, _Apsw]) -> None:
    """Loads art into a connection of sqlite3 or apsw; afterwards no more extensions can be loaded into it.

    RuntimeError, with what to do: this Python cannot load extensions, or the binary is not for this machine.
    """
    enable = getattr(db, "enable_load_extension", None) or getattr(db, "enableloadextension", None)
    load_extension = getattr(db, "load_extension", None) or getattr(db, "loadextension", None)
    if not enable or not load_extension:
        raise RuntimeError(
            f"sqlite-art: {type(db).__module__}.{type(db).__qualname__} cannot load extensions. If that is sqlite3.Connection, "
            "this Python was built without them (as pyenv's and macOS's own are): use another one, or the package apsw"
        )
    if inspect.isawaitable(enable(True)):
        raise RuntimeError(f"sqlite-art: {type(db).__module__}.{type(db).__qualname__} is asynchronous: await its own "
                           "enable_load_extension(), and load_extension(sqlite_art.loadable_path())")
    try:
        load_extension(loadable_path())
    except Exception as error:
        raise RuntimeError(
            f"sqlite-art: SQLite cannot load {loadable_path()}, which is for {_TAG}, on {sysconfig.get_platform()}: {error}. "
            "If it was installed for another machine: pip install --force-reinstall sqlite-art"
        ) from error
    finally:
        enable(False)
