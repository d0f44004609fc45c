#!/bin/sh
# sqlite-utils 4.2.1 (and 3.38)
#
# upsert_all() with records that name different columns. That a record's missing columns become NULL
# within a batch is known (simonw/sqlite-utils issue 873), and batch_size=1 looks like the way around it.
# It is none: the columns of earlier batches go on to later ones. With batch_size=1 the first record keeps
# what it does not name, and every later one loses it, so the same records in another order leave other
# rows. Separate calls of upsert() lose nothing.
#
# Seen on 2026-11-28:
#   one batch:         1: (None, 7)  2: ('Nixie II', None)
#   batch_size=1:      1: ('Cleo', 7)  2: ('Nixie II', None)
#   the other way:     1: (None, 7)  2: ('Nixie II', 6)
#   upsert() for each: 1: ('Cleo', 7)  2: ('Nixie II', 6)
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

RECORDS = [{"id": 1, "age": 7}, {"id": 2, "name": "Nixie II"}]


def rows(change):
    db = sqlite_utils.Database(memory=True)
    table = db["dogs"]
    table.insert_all(
        [{"id": 1, "name": "Cleo", "age": 5}, {"id": 2, "name": "Nixie", "age": 6}], pk="id"
    )
    change(table)
    return {row["id"]: (row["name"], row["age"]) for row in table.rows}


def each(table):
    for record in RECORDS:
        table.upsert(record, pk="id")


cases = {
    "one batch:": lambda table: table.upsert_all(RECORDS, pk="id"),
    "batch_size=1:": lambda table: table.upsert_all(RECORDS, pk="id", batch_size=1),
    "the other way:": lambda table: table.upsert_all(RECORDS[::-1], pk="id", batch_size=1),
    "upsert() for each:": each,
}
seen = {name: rows(change) for name, change in cases.items()}
for name, found in seen.items():
    print(f"{name:18} " + "  ".join(f"{key}: {value}" for key, value in sorted(found.items())))
sys.exit(
    list(seen.values())
    != [
        {1: (None, 7), 2: ("Nixie II", None)},
        {1: ("Cleo", 7), 2: ("Nixie II", None)},
        {1: (None, 7), 2: ("Nixie II", 6)},
        {1: ("Cleo", 7), 2: ("Nixie II", 6)},
    ]
)
PYTHON
