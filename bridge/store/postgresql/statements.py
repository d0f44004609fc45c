"""Running statements on one connection, without the cursors of psycopg.

A cursor of psycopg's finds out anew with each statement what it already knew of it: its
placeholders, its columns and how they are read. That is three quarters of the processor time of a
small statement, and the store asks many. Here it is known once for each text: by libpq's functions
as psycopg has them (`psycopg.pq`), its adapters, and its way to wait, which Ctrl-C ends.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache, partial
from itertools import compress, islice
from typing import Any

import psycopg
from psycopg import adapt, errors, generators, pq
from psycopg.abc import PQGen, Transformer
from psycopg.pq.abc import PGresult

from bridge.store.postgresql.dialect import numbered

KEPT = 512
"""Statements that a connection keeps prepared."""

PREPARED_AFTER = 2
"""Uses of a statement, after which it is prepared by the next."""

AT_ONCE = 1000
"""Statements that are sent before the answer to the first is waited for."""

_EAGER = 1000
"""Rows that are made at once; of more, each when it is asked for."""

Values = Sequence[Any] | Mapping[str, Any]
Make = Callable[[Sequence[Any]], Any]

_DONE = (pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK)


class Row(tuple[Any, ...]):
    """One row; a column by its place or by its name."""

    __slots__ = ()
    names: tuple[str, ...] = ()
    places: Mapping[str, int] = {}

    def __getitem__(self, key: Any) -> Any:
        if key.__class__ is str:
            key = self.places[key]
        return tuple.__getitem__(self, key)

    def keys(self) -> Sequence[str]:
        """The names of the columns, in order."""
        return self.names


class Result:
    """What came of a statement: its rows, or how many it changed."""

    __slots__ = ("_rows", "rowcount")

    def __init__(self, rows: Iterator[Any], rowcount: int) -> None:
        self._rows = rows
        self.rowcount = rowcount

    def fetchone(self) -> Any:
        """The next row; None after the last."""
        return next(self._rows, None)

    def fetchall(self) -> list[Any]:
        """All that are left."""
        return list(self._rows)

    def __iter__(self) -> Iterator[Any]:
        return self._rows

    def close(self) -> None:
        """No more rows are wanted."""
        self._rows = iter(())


class _Statement:
    """What is known of one text with values of the same types."""

    __slots__ = ("make", "name", "reads", "text", "types", "uses")

    def __init__(self, text: bytes, types: tuple[int, ...], reads: Transformer) -> None:
        self.text = text
        self.types = types
        self.reads = reads
        self.uses = 0
        self.name: bytes | None = None
        """By which it is prepared."""
        self.make: Make | None = None
        """What makes a row of its values, once it is prepared and has given one."""


_Ready = tuple[_Statement, Sequence[Any], Sequence[pq.Format] | None]
"""A statement, and the values for it as they are sent, with their formats."""


class Statements:
    """Runs the statements of one connection; used by one thread at a time."""

    def __init__(self, raw: psycopg.Connection[Any]) -> None:
        self._raw = raw
        self._pgconn = raw.pgconn
        self._dumps = adapt.Transformer(raw)
        self._known: OrderedDict[tuple[str, tuple[int, ...]], _Statement] = OrderedDict()
        self._names = 0

    def run(self, sql: str, values: Values = (), *, plain: bool = False) -> Result:
        """Run one statement; its rows are plain tuples if that is wanted. Raises psycopg.Error."""
        statement, params, formats = self._ready(sql, values)
        if statement.name is None and statement.uses > PREPARED_AFTER:
            [found] = self._together([(statement, params, formats)])
        else:
            self._send(statement, params, formats)
            [found] = self._answers()
        return self._result(statement, found, plain)

    def run_plainly(self, statements: str) -> None:
        """Run statements without values, in one way there and back. Raises psycopg.Error."""
        self._pgconn.send_query(statements.encode())
        self._answers()

    def run_many(self, sql: str, many: Iterable[Values]) -> Result:
        """Run one statement for each of `many`; how many rows they changed together."""
        changed, left = 0, iter(many)
        while some := [(sql, values) for values in islice(left, AT_ONCE)]:
            changed += sum(each.rowcount for each in self.run_at_once(some))
        return Result(iter(()), changed)

    def run_at_once(self, some: Iterable[tuple[str, Values]]) -> list[Result]:
        """Run statements, all of them sent before any is answered; those after one that fails are
        not run. Where no transaction was begun, they are one. Raises psycopg.Error."""
        ready = [self._ready(sql, values) for sql, values in some]
        answers = self._together(ready)
        return [
            self._result(statement, answer, plain=False)
            for (statement, _, _), answer in zip(ready, answers, strict=True)
        ]

    def _together(self, ready: Sequence[_Ready]) -> list[PGresult]:
        """The answers to these, of which those that are not prepared yet are on the same way."""
        commands, asked = deque[Callable[[], None]](), list[bool]()
        preparing = set[_Statement]()
        for statement, params, formats in ready:
            if statement.name is None and statement not in preparing:
                preparing.add(statement)
                commands.append(partial(self._send_prepare, statement))
                asked.append(False)
            commands.append(partial(self._send, statement, params, formats))
            asked.append(True)
        commands.append(self._pgconn.pipeline_sync)
        try:
            answers = [answer for [answer] in self._piped(commands)[:-1]]
            for answer in answers:
                self._check(answer)
        except BaseException:
            for statement in preparing:
                statement.name = None  # it may have come after the one that failed
            raise
        return list(compress(answers, asked))

    def _piped(self, commands: deque[Callable[[], None]]) -> list[list[PGresult]]:
        """The answers to these, of which the last one is a sync."""
        pgconn, count = self._pgconn, len(commands)

        def talk() -> PQGen[list[list[PGresult]]]:
            found: list[list[PGresult]]
            found = yield from generators.pipeline_communicate(pgconn, commands)
            yield from generators.send(pgconn)  # the last ones may be larger than what was taken
            while len(found) < count:
                found.append((yield from generators.fetch_many(pgconn)))
            return found

        pgconn.enter_pipeline_mode()
        try:
            found: list[list[PGresult]] = self._raw.wait(talk())
        except BaseException:
            self._raw.close()  # what is left to be read on it is unknown
            raise
        pgconn.exit_pipeline_mode()
        return found

    def _ready(self, sql: str, values: Values) -> _Ready:
        """What is known of it, and the values as they are sent, with their formats."""
        text, names = numbered(sql)
        if isinstance(values, Mapping):
            values = [values[name] for name in names]
        dumps = self._dumps
        try:
            params = dumps.dump_sequence(values, _formats(len(values)))
        except psycopg.DataError:
            values = [_without_nul(value) for value in values]
            params = dumps.dump_sequence(values, _formats(len(values)))
        key = sql, tuple(dumps.types or ())
        statement = self._known.get(key)
        if statement is None:
            statement = self._known[key] = _Statement(text, key[1], adapt.Transformer(self._raw))
            self._forget_some()
        else:
            self._known.move_to_end(key)
        statement.uses += 1
        return statement, params, dumps.formats

    def _forget_some(self) -> None:
        while len(self._known) > KEPT:
            _, oldest = self._known.popitem(last=False)
            if oldest.name is not None:
                self.run_plainly(f"DEALLOCATE {oldest.name.decode()}")

    def _send_prepare(self, statement: _Statement) -> None:
        self._names += 1
        name = b"s%d" % self._names
        self._pgconn.send_prepare(name, statement.text, statement.types)
        statement.name = name

    def _send(self, statement: _Statement, params: Any, formats: Any) -> None:
        if statement.name is None:
            self._pgconn.send_query_params(statement.text, params, statement.types, formats)
        else:
            self._pgconn.send_query_prepared(statement.name, params, formats)

    def _answers(self) -> list[PGresult]:
        answers: list[PGresult] = self._raw.wait(generators.execute(self._pgconn))
        for each in answers:
            self._check(each)
        return answers

    def _check(self, answer: PGresult) -> None:
        if answer.status not in _DONE:
            raise errors.error_from_result(answer, self._raw.info.encoding)

    def _result(self, statement: _Statement, found: PGresult, plain: bool) -> Result:
        count = found.ntuples
        if not found.nfields:
            return Result(iter(()), found.command_tuples or 0)
        make, reads = statement.make, statement.reads
        if make is None:
            make = _row(tuple(found.fname(place) or b"" for place in range(found.nfields)))
            if statement.name is not None:
                statement.make = make
            reads.set_pgresult(found)
        else:
            reads.set_pgresult(found, set_loaders=False)
        if plain:
            make = tuple
        if count <= _EAGER:
            return Result(iter(reads.load_rows(0, count, make)), count)
        return Result(_one_by_one(adapt.Transformer(self._raw), found, make), count)


def _one_by_one(reads: Transformer, found: PGresult, make: Make) -> Generator[Any]:
    reads.set_pgresult(found)
    for first in range(0, found.ntuples, _EAGER):
        yield from reads.load_rows(first, min(first + _EAGER, found.ntuples), make)


@lru_cache(maxsize=1024)
def _row(columns: tuple[bytes, ...]) -> type[Row]:
    names = tuple(column.decode() for column in columns)
    places = {name: place for place, name in reversed(tuple(enumerate(names)))}
    return type("Row", (Row,), {"__slots__": (), "names": names, "places": places})


@lru_cache(maxsize=1024)
def _formats(count: int) -> list[adapt.PyFormat]:
    return [adapt.PyFormat.AUTO] * count


def _without_nul(value: Any) -> Any:
    """PostgreSQL keeps no NUL in a text."""
    return value.replace("\0", "\ufffd") if isinstance(value, str) else value
