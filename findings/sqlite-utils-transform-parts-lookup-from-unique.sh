#!/bin/sh
# sqlite-utils 4.2.1
#
# A column that is UNIQUE and COLLATE NOCASE, in a table that transform() rebuilds for another column's
# sake. The collation of the column is lost, and that of its uniqueness is kept: so a lookup that found
# the row finds none any more, and the insert that follows is refused as a duplicate. "Look up, else
# insert" worked before and fails for ever after. Nothing is said.
#
# Seen on 2026-11-28:
#   before: found 1
#   after:  found 0
#   insert: UNIQUE constraint failed: people.email
#
# Exits 0 while this is so, 1 when it is not.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet sqlite-utils==4.2.1
"$work/venv/bin/python" - <<'PYTHON'
import sqlite3
import sys

import sqlite_utils


def found():
    return db.execute("SELECT count(*) FROM people WHERE email = 'ada@example.org'").fetchone()[0]


db = sqlite_utils.Database(memory=True)
db.execute(
    "CREATE TABLE people (id INTEGER PRIMARY KEY, email TEXT COLLATE NOCASE UNIQUE, note TEXT)"
)
db["people"].insert({"id": 1, "email": "Ada@example.org"})
before = found()
db["people"].transform(drop={"note"})
after = found()
print("before: found", before)
print("after:  found", after)
try:
    db["people"].insert({"id": 2, "email": "ada@example.org"})
    refused = "it was inserted"
except sqlite3.IntegrityError as error:
    refused = str(error)
print("insert:", refused)
sys.exit((before, after, refused) != (1, 0, "UNIQUE constraint failed: people.email"))
PYTHON
