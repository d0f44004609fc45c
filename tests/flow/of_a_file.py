"""The flows that are about the database as a file.

`tools/test --database=postgresql tests/flow` runs all flows on a PostgreSQL. Those that are named
here, a whole file of them, or one by file and test, all cases of it or one, do not hold there; each
says what holds instead, and where that is tested.
"""

from collections.abc import Mapping

DAMAGE = "a server looks after its files; what it noticed is told (unit/store/postgresql)"
COPIES = "pg_dump makes the copy, and `restore --after-pg-restore` follows (test_serve_postgresql)"
NEXT = "goes forward and is refused there, too (unit/store/postgresql/test_schema)"
GONE = "nobody takes a database away that is in use (unit/store/postgresql/test_faults.py)"
LOCK = "writers take turns by an advisory lock (unit/store/postgresql/test_database.py)"
ROOM = "a server sees to its log, and uses the room of what is gone by itself"
COUNTED = "what SQLite is asked is counted; the statements are the same"
CONNECTS = "a webhook that needs a new connection answers 503 without a thread (test_way)"
PRIVATE = "who may read what a server stores, its roles say"
SPACE = (
    "a server's disk and log are not ours to look at; its size and settings are told (test_noticed)"
)
FULL = "a full disk is told by the server (unit/store/postgresql/test_faults.py)"

FILES: Mapping[str, str] = {
    "test_damaged": DAMAGE,
    "test_file_check": DAMAGE,
    "test_lost_database": GONE,
    "test_cli_backup": COPIES,
    "test_next_version": NEXT,
}

_REASONS: Mapping[str, tuple[str, ...]] = {
    LOCK: (
        "test_held_up::test_a_lock_that_is_held_is_told",
        "test_held_up::test_what_arrives_waits_for_nobody_who_works_on_the_database",
        "test_held_up::test_reading_waits_for_no_writer",
        "test_held_up::test_the_payload_is_read_before_the_lock",
        "test_held_up::test_it_is_told_once_a_minute_however_many_ask",
    ),
    COPIES: (
        "test_audit::test_a_restore_is_told_by_the_restored_database",
        "test_how_to::test_a_wish_of_an_operator[14]",
    ),
    GONE: (
        "test_held_up::test_a_database_that_is_taken_away",
        "test_held_up::test_a_folder_that_is_taken_away",
        "test_why::test_an_app_that_was_there_took_no_licence_and_no_command",
        "test_cli_apply::test_it_works_before_the_first_serve",
        "test_cli_apply::test_a_database_that_cannot_be_opened_is_one_line",
    ),
    CONNECTS: ("test_forward::test_no_thread_to_be_had_costs_the_webhook_and_not_the_answer",),
    FULL: ("test_held_up::test_a_full_disk",),
    SPACE: (
        "test_cli_doctor::test_a_disk_that_fills_up",
        "test_cli_doctor::test_a_large_write_ahead_log",
        "test_cli_doctor::test_a_database_without_write_ahead_log",
    ),
    DAMAGE: (
        "test_inbox::test_a_damaged_inbox_is_told_and_mended",
        "test_cli_doctor::test_a_database_that_cannot_be_opened",
        "test_cli_doctor::test_a_damaged_database",
        "test_cli_doctor::test_a_database_that_breaks_its_own_rules",
    ),
    ROOM: (
        "test_retention::test_a_mass_of_messages_goes_in_small_steps",
        "test_retention::test_whoever_reads_only_delays_that_the_log_is_emptied",
        "test_retention::test_a_file_that_was_made_otherwise_keeps_its_pages",
    ),
    COUNTED: ("test_groups::test_one_device_that_changes_touches_no_other",),
    PRIVATE: ("test_settings::test_the_values_are_for_the_owner_alone",),
}

TESTS: Mapping[str, str] = {name: why for why, names in _REASONS.items() for name in names}
