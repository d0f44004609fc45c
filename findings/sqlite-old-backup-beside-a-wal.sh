#!/bin/sh
# SQLite 3.54.1 (apsw 3.54.1.0)
#
# A backup is copied over a database in WAL mode whose program was killed, and the -wal stays where it
# is. SQLite takes the -wal for the backup's own: its frames match by their own salts and checksums, and
# nothing ties them to the file below. What comes of it depends on whether a checkpoint came in between.
#
# Without one the -wal holds all that was written since the backup: the newer data is back whole, as
# though nothing had been restored. With one it holds only the pages that were written since that
# checkpoint: here the table's, and not the index's. Then one question has two answers, depending on
# whether the index is asked; quick_check calls the file ok, and only integrity_check sees it.
#
# Of 1,000 rows that wait in the backup none waited at the kill.
#
# Seen on 2026-11-28:
#   no checkpoint in between: 0 wait by the table, 0 by the index; quick_check ok, integrity_check ok
#   a checkpoint in between:  0 wait by the table, 1000 by the index; quick_check ok,
#                             integrity_check "row 1 missing from index job_state"
#
# Exits 0 while this is so, 1 when it is not.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet apsw==3.54.1.0
"$work/venv/bin/python" - "$work" <<'PYTHON'
import os
import shutil
import sys

import apsw


def restored(folder, checkpoint):
    os.mkdir(folder)
    live, backup, after = (os.path.join(folder, name) for name in ("live", "backup", "after"))
    db = apsw.Connection(live)
    db.execute("PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0")
    db.execute("CREATE TABLE job (id INTEGER PRIMARY KEY, state TEXT, note TEXT)")
    db.execute("CREATE INDEX job_state ON job (state)")
    with db:
        rows = ((number, "waiting", "a" * 50) for number in range(1000))
        db.executemany("INSERT INTO job VALUES (?, ?, ?)", rows)
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    copy = apsw.Connection(backup)
    with copy.backup("main", db, "main") as copying:
        copying.step()
    copy.close()
    db.execute("UPDATE job SET state = 'settled'")
    if checkpoint:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.execute("UPDATE job SET note = ?", ("b" * 50,))
    shutil.copyfile(live + "-wal", after + "-wal")  # the program is killed here
    db.close()
    shutil.copyfile(backup, after)
    db = apsw.Connection(after)

    def first(sql):
        return db.execute(sql).fetchone()[0]

    waiting = "SELECT count(*) FROM job {} WHERE state = 'waiting'"
    return (
        first(waiting.format("NOT INDEXED")),
        first(waiting.format("INDEXED BY job_state")),
        first("PRAGMA quick_check"),
        first("PRAGMA integrity_check(1)"),
    )


print("SQLite", apsw.sqlite_lib_version())
whole = restored(os.path.join(sys.argv[1], "whole"), checkpoint=False)
mixed = restored(os.path.join(sys.argv[1], "mixed"), checkpoint=True)
for name, seen in (("no checkpoint", whole), ("a checkpoint", mixed)):
    print("%s in between: %d wait by the table, %d by the index; quick_check %s, integrity_check %s"
          % (name, *seen))
sys.exit(
    whole != (0, 0, "ok", "ok")
    or mixed[:3] != (0, 1000, "ok")
    or "missing from index" not in mixed[3]
)
PYTHON
