#!/bin/sh
# sqlite-utils 4.2.1 with SQLite 3.31 or newer
#
# transform() of any column of a table takes the table's generated columns away, virtual and stored ones,
# without a word: it lists columns with PRAGMA table_info, which does not show them. insert() before it
# and what reads other columns go on working.
#
# Seen on 2026-11-28:
#   before: ['id', 'name', 'key', 'size']
#   after:  ['id', 'title']
#
# Exits 0 while this is so, 1 when it is not.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet sqlite-utils==4.2.1
"$work/venv/bin/python" - <<'PYTHON'
import sys

import sqlite_utils


def columns():
    return [row[1] for row in db.execute("PRAGMA table_xinfo(apps)")]


db = sqlite_utils.Database(memory=True)
db.execute(
    "CREATE TABLE apps (id INTEGER PRIMARY KEY, name TEXT,"
    " key TEXT GENERATED ALWAYS AS (upper(name)) VIRTUAL,"
    " size INTEGER GENERATED ALWAYS AS (length(name)) STORED)"
)
db["apps"].insert({"id": 1, "name": "Pages"})
before = columns()
db["apps"].transform(rename={"name": "title"})
after = columns()
print("before:", before)
print("after: ", after)
sys.exit((before, after) != (["id", "name", "key", "size"], ["id", "title"]))
PYTHON
