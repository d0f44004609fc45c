"""What is used of psycopg beside what it documents is there, in the version that is installed.

Statements go through its generators, its transformer and its way to wait
(`bridge/store/postgresql/statements.py`, `silence.py`). The store's tests held with 3.2.13, 3.3.0
and 3.3.9. Up to 3.2.9 a wait told nobody that time went by, so that a silent server was waited for
without end. Where this fails with a newer one, look there first.
"""

import inspect

import psycopg
from psycopg import adapt, generators, pq

from bridge.store.postgresql.silence import TICK, PatientConnection

OLDEST, UNKNOWN = (3, 2, 13), (3, 4)


def test_the_version_is_one_that_is_known() -> None:
    version = tuple(int(each) for each in psycopg.__version__.split(".")[:3])
    assert OLDEST <= version < UNKNOWN, psycopg.__version__


def test_what_is_used_of_it_is_there() -> None:
    for name in ("execute", "send", "fetch_many", "pipeline_communicate"):
        assert callable(getattr(generators, name)), name
    for name in ("dump_sequence", "set_pgresult", "load_rows", "types", "formats"):
        assert hasattr(adapt.Transformer, name), name
    for name in (
        *("send_query", "send_query_params", "send_prepare", "send_query_prepared"),
        *("enter_pipeline_mode", "exit_pipeline_mode", "pipeline_sync", "transaction_status"),
    ):
        assert hasattr(pq.PGconn, name), name
    assert list(inspect.signature(psycopg.Connection.wait).parameters)[:3] == [
        *("self", "gen", "interval"),
    ]


def test_a_wait_tells_that_time_goes_by(postgresql_where: str) -> None:
    """By sending nothing to what it waits for."""
    sent: list[object] = []

    def talk() -> object:
        for _ in range(3):
            sent.append((yield psycopg.waiting.Wait.R))
        return "done"

    with PatientConnection.connect(postgresql_where) as made:
        assert psycopg.Connection.wait(made, talk(), TICK / 10) == "done"
    assert not any(sent)
