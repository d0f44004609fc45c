"""How PostgreSQL's own programs are called for a copy of the bridge's database. Pure text.

Source: PostgreSQL, "pg_dump", "pg_restore". The password is not in a line: these programs ask for
it, or have it from PGPASSFILE.
"""

from __future__ import annotations

import shlex
from pathlib import Path

from bridge.domain.database_url import DatabaseUrl, without_password


def dump_line(url: DatabaseUrl, file: Path) -> str:
    """Copies the database as it is at one moment, while the bridge runs; only its owner may read
    the copy. Whoever restores it need not have the same roles."""
    words = ["pg_dump", "--format=custom", "--no-owner", "--no-privileges", f"--file={file}"]
    return f"(umask 077; {shlex.join([*words, f'--dbname={without_password(url)}'])})"


def restore_line(url: DatabaseUrl, file: Path) -> str:
    """Puts a copy in the place of what is there, all of it or nothing."""
    words = ["pg_restore", "--clean", "--if-exists", "--single-transaction", "--exit-on-error"]
    words += ["--no-owner", "--no-privileges", f"--dbname={without_password(url)}", str(file)]
    return shlex.join(words)
