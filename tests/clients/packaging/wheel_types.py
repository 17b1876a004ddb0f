# What mypy knows of the wheel's module: each line with an ignored error has that error.
import sqlite3

import sqlite_art


class LikeApsw:
    def enableloadextension(self, enable: bool) -> None: ...
    def loadextension(self, filename: str, entrypoint: str = "") -> None: ...


path: str = sqlite_art.loadable_path()
sqlite_art.load(sqlite3.connect(":memory:"))
sqlite_art.load(LikeApsw())
wrong: int = sqlite_art.loadable_path()  # type: ignore[assignment]
sqlite_art.load("art.so")  # type: ignore[arg-type]
print(path, wrong, sqlite_art.__version__.upper())
