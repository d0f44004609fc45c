#!/bin/sh
# sqlite-utils 4.2.1
#
# transform(), which rebuilds a table, writes a column's default anew. A default that is an expression
# becomes a string with the expression's text, unless the text ends with ")": so datetime('now') stays,
# and (60 * 5), (1 | 2) and (abs(-3) + 1) do not. Nothing is said, the column that is changed may be any
# other, and the rows that are there are right. Every row that is inserted afterwards holds text in an
# INTEGER column.
#
# Seen on 2026-11-28:
#   before: timeout 300, a integer
#   after:  timeout '60 * 5', a text; the schema has DEFAULT '60 * 5'
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

db = sqlite_utils.Database(memory=True)
db.execute(
    "CREATE TABLE jobs (id INTEGER PRIMARY KEY, timeout INTEGER DEFAULT (60 * 5),"
    " made TEXT DEFAULT (datetime('now')), note TEXT)"
)
db["jobs"].insert({"id": 1})
db["jobs"].transform(drop={"note"})
db["jobs"].insert({"id": 2})
seen = db.execute("SELECT timeout, typeof(timeout) FROM jobs ORDER BY id").fetchall()
made = db.execute("SELECT made FROM jobs WHERE id = 2").fetchone()[0]
print("before: timeout %r, a %s" % tuple(seen[0]))
print("after:  timeout %r, a %s; made %s" % (*seen[1], made))
print(db["jobs"].schema)
sys.exit(
    [tuple(row) for row in seen] != [(300, "integer"), ("60 * 5", "text")]
    or not made.startswith("20")
)
PYTHON
