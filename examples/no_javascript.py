"""A worker without JavaScript: it owns a SQLite connection, which must stay on one thread."""

import sqlite3
from dataclasses import dataclass

from actors import Query, Worker


@dataclass(frozen=True)
class Count(Query[int]):
    word: str


@dataclass(frozen=True)
class Add(Query[None]):
    words: tuple[str, ...]


class Words(Worker[None, Count | Add]):
    def init_runtime(self, options: None) -> sqlite3.Connection:
        database = sqlite3.connect(":memory:")
        database.execute("CREATE TABLE words (word TEXT)")
        return database

    def handle_query(self, runtime: sqlite3.Connection, query: Count | Add) -> int | None:
        match query:
            case Count(word):
                rows = runtime.execute("SELECT count(*) FROM words WHERE word = ?", [word])
                return int(rows.fetchone()[0])
            case Add(words):
                runtime.executemany("INSERT INTO words VALUES (?)", [(word,) for word in words])
                return None

    def close_runtime(self, runtime: sqlite3.Connection) -> None:
        runtime.close()


with Words.spawn() as worker:
    worker.ask(Add(("tea", "cup", "tea")))
    print(worker.ask(Count("tea")))
