"""NanoMDM's own database, which is only read: who is enrolled there.

NanoMDM keeps it in PostgreSQL, or in MySQL or MariaDB, with the same tables (its storage/pgsql and
storage/mysql, schema.sql, v0.9.0); NanoHUB has the latter. Nothing of it is another one's business,
so that one statement is all that is asked, in a transaction that cannot write. No sentence of an
error holds what `enrollments_dsn` says: it has a password in it.
"""

from __future__ import annotations

import importlib
import ssl
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from bridge.domain.dsn import Dsn
from bridge.errors import NotSent, OutcomeUnknown

CONNECT_WITHIN = 5
READ_WITHIN = 60
"""Seconds for a connection, and for the answer."""

ENROLMENTS = (
    "SELECT e.id, d.serial_number, e.type, e.enabled, e.last_seen_at "
    "FROM enrollments e JOIN devices d ON d.id = e.device_id "
    "WHERE e.type IN ('Device', 'User Enrollment (Device)') ORDER BY e.id"
)
"""Enrolments of devices; users of a Mac or of a Shared iPad have rows of their own."""


@dataclass(frozen=True, slots=True)
class Enrolment:
    """One enrolment; `is_user` says that the device is one by its user, which has no UDID."""

    enrolment_id: str
    serial_number: str
    is_user: bool
    enabled: bool
    last_seen_at: float | None


@dataclass(frozen=True, slots=True)
class NanoMdmDatabase:
    """The database of one server; a connection for each look."""

    server: str
    dsn: Dsn

    def enrolments(self) -> tuple[Enrolment, ...]:
        """The enrolments of devices, enabled or not. Raises NotSent where the database cannot be
        reached, OutcomeUnknown where it does not answer as NanoMDM's would."""
        read = _from_postgresql if self.dsn.kind == "postgresql" else _from_mysql
        try:
            return tuple(map(_enrolment, read(self)))
        except (TypeError, ValueError, AttributeError) as error:
            raise self.unreadable("its enrollments are not as NanoMDM has them") from error

    def unreachable(self, why: str) -> NotSent:
        """It could not be asked."""
        text = f"the database of {self.server} (enrollments_dsn) cannot be read: {why}"
        return NotSent(text, service="mdm", call="read enrollments_dsn")

    def unreadable(self, why: str) -> OutcomeUnknown:
        """It answered, and not as it should."""
        text = f"the database of {self.server} (enrollments_dsn) cannot be read: {why}"
        return OutcomeUnknown(text, service="mdm", call="read enrollments_dsn")

    def driver(self, name: str, extra: str) -> Any:
        """A driver that is installed only where it is needed; raises NotSent."""
        try:
            return importlib.import_module(name)
        except ImportError as error:
            why = f"{name} is not installed; pip install 'micromdm-vpp-bridge[{extra}]'"
            raise self.unreachable(why) from error


def _from_postgresql(database: NanoMdmDatabase) -> Iterable[tuple[Any, ...]]:
    psycopg = database.driver("psycopg", "postgresql")
    options = f"-c default_transaction_read_only=on -c statement_timeout={READ_WITHIN}s"
    try:
        psycopg.conninfo.conninfo_to_dict(database.dsn.text)
    except psycopg.Error:
        why = "enrollments_dsn is not written as libpq reads it"
        raise database.unreachable(why) from None  # the driver's own words repeat parts of it
    try:
        with psycopg.connect(
            database.dsn.text,
            connect_timeout=CONNECT_WITHIN,
            options=f"{options} -c timezone=UTC",
        ) as connection:
            return list(connection.execute(ENROLMENTS).fetchall())
    except psycopg.OperationalError as error:
        raise database.unreachable(_first_line(error)) from None
    except psycopg.Error as error:
        raise database.unreadable(_first_line(error)) from None


def _from_mysql(database: NanoMdmDatabase) -> Iterable[tuple[Any, ...]]:
    pymysql = database.driver("pymysql", "mysql")
    dsn = database.dsn
    try:
        connection = pymysql.connect(
            host=dsn.host,
            port=dsn.port,
            unix_socket=dsn.socket,
            user=dsn.user,
            password=dsn.password,
            database=dsn.name,
            charset="utf8mb4",
            ssl=_tls(dsn.tls),
            connect_timeout=CONNECT_WITHIN,
            read_timeout=READ_WITHIN,
            write_timeout=READ_WITHIN,
            init_command="SET time_zone = '+00:00'",
        )
        with connection, connection.cursor() as cursor:
            cursor.execute("START TRANSACTION READ ONLY")
            cursor.execute(ENROLMENTS)
            return list(cursor.fetchall())
    except pymysql.OperationalError as error:
        raise database.unreachable(_first_line(error)) from None
    except pymysql.Error as error:
        raise database.unreadable(_first_line(error)) from None


def _tls(word: str) -> ssl.SSLContext | None:
    """As go-sql-driver/mysql has it: `true`, `skip-verify`, or none."""
    if word in ("", "false", "preferred"):
        return None
    context = ssl.create_default_context()
    if word == "skip-verify":
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def _enrolment(row: tuple[Any, ...]) -> Enrolment:
    enrolment_id, serial_number, kind, enabled, last_seen_at = row
    return Enrolment(
        str(enrolment_id),
        str(serial_number or ""),
        kind != "Device",
        bool(enabled),
        _seconds(last_seen_at),
    )


def _seconds(moment: datetime | None) -> float | None:
    """What has no time zone is in the session's, which is UTC."""
    if moment is None:
        return None
    return (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).timestamp()


def _first_line(error: Exception) -> str:
    """What a driver says, on one line; it repeats host, user and database, and no password."""
    words = error.args[-1] if error.args else ""
    return " ".join(str(words).split())[:300] or type(error).__name__
