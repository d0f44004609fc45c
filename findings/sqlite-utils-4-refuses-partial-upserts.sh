#!/bin/sh
# sqlite-utils 4.2.1, beside 3.38
#
# upsert() of some columns of a row that is there, in a table with another column that is NOT NULL and
# has no default. Version 3 updated the row. Version 4 builds INSERT ... ON CONFLICT DO UPDATE, and SQLite
# looks at NOT NULL before it looks for the conflict: the row that is there, and has the value, is refused
# for lacking it. With a default the same call works, and keeps the value of the row.
#
# Seen on 2026-11-28:
#   3.38   without a default: {'id': 1, 'name': 'new', 'age': 3}
#   3.38   with a default:    {'id': 1, 'name': 'new', 'age': 3}
#   4.2.1  without a default: NOT NULL constraint failed: people.age
#   4.2.1  with a default:    {'id': 1, 'name': 'new', 'age': 3}
#
# Exits 0 while this is so, 1 when it is not.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cat > "$work/ask.py" <<'PYTHON'
import sqlite3
import sys

import sqlite_utils

version, expected = sys.argv[1:]


def upsert(default):
    db = sqlite_utils.Database(memory=True)
    db.execute(
        f"CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT, age INTEGER NOT NULL {default})"
    )
    db["people"].insert({"id": 1, "name": "old", "age": 3})
    try:
        db["people"].upsert({"id": 1, "name": "new"}, pk="id")
    except sqlite3.IntegrityError as error:
        return str(error)
    return str(dict(db["people"].get(1)))


without, with_one = upsert(""), upsert("DEFAULT 0")
print(f"{version:6} without a default: {without}")
print(f"{version:6} with a default:    {with_one}")
done = "{'id': 1, 'name': 'new', 'age': 3}"
refused = "NOT NULL constraint failed: people.age"
sys.exit((without, with_one) != (done if expected == "done" else refused, done))
PYTHON
for case in "3.38 done" "4.2.1 refused"; do
    set -- $case
    python3 -m venv "$work/$1"
    "$work/$1/bin/pip" install --quiet "sqlite-utils==$1"
    "$work/$1/bin/python" "$work/ask.py" "$1" "$2"
done
