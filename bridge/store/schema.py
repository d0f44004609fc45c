"""The tables, as numbered migrations that are never edited once released.

Times are seconds since the epoch (REAL, UTC). What is unique while open is held by partial
unique indexes, so that no code path can break those rules. A licence's holder is a target:
`target_kind` is `serial` or `user`, `target` the serial number or clientUserId.
"""

from __future__ import annotations

from typing import Any

from sqlite_utils import Migrations

migrations = Migrations("bridge")

_FIRST = """
CREATE TABLE meta (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
);

-- Inbound messages, stored before anything else: evidence, replayable, not truth.
CREATE TABLE events (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    source TEXT NOT NULL,              -- mdm | apple
    origin TEXT NOT NULL,              -- the server's or location's name
    topic TEXT NOT NULL,
    message_id TEXT NOT NULL,
    received_at REAL NOT NULL,
    status TEXT NOT NULL,              -- new | done | ignored | set_aside
    tries INTEGER NOT NULL DEFAULT 0,
    next_try_at REAL NOT NULL DEFAULT 0,
    processed_at REAL,
    error TEXT,
    outcome TEXT,
    udid TEXT,
    command_uuid TEXT,
    apple_event_id TEXT,
    body BLOB NOT NULL
);
CREATE INDEX events_new ON events (next_try_at, id) WHERE status = 'new';
CREATE INDEX events_status ON events (status, id);
CREATE INDEX events_command ON events (command_uuid) WHERE command_uuid IS NOT NULL;
CREATE INDEX events_apple ON events (apple_event_id) WHERE apple_event_id IS NOT NULL;
CREATE INDEX events_received ON events (received_at);

-- Which messages were taken in, for longer than the messages themselves are kept.
CREATE TABLE seen_messages (
    source TEXT NOT NULL,
    origin TEXT NOT NULL,
    kind TEXT NOT NULL,
    message_id TEXT NOT NULL,
    seen_at REAL NOT NULL,
    PRIMARY KEY (source, origin, kind, message_id)
);
CREATE INDEX seen_messages_at ON seen_messages (seen_at);

CREATE TABLE counters (
    name TEXT PRIMARY KEY,
    value INTEGER NOT NULL,
    updated_at REAL NOT NULL
);

CREATE TABLE devices (
    id INTEGER PRIMARY KEY,
    server TEXT NOT NULL,
    udid TEXT,
    enrollment_id TEXT,
    serial_number TEXT,
    name TEXT,
    product_name TEXT,
    model TEXT,
    os_version TEXT,
    build_version TEXT,
    enrolled INTEGER,                  -- NULL: not known
    enrolment INTEGER NOT NULL DEFAULT 0,   -- how many enrolments were seen
    enrolled_at REAL,                  -- when the present enrolment was seen
    authenticate_stamp REAL,           -- the server's created_at; orders webhooks of one device
    token_stamp REAL,
    checkout_stamp REAL,
    last_seen_at REAL,
    last_connect_at REAL,
    apps_asked_at REAL,                -- when the newest answered ManagedApplicationList was made
    apps_listed_at REAL,               -- when it was answered
    apps_enrolment INTEGER,            -- the enrolment it belongs to
    apps_refused_at REAL,              -- when the device last would not list its apps
    serial_asked_at REAL,
    facts_at REAL,                     -- when a DeviceInformation was answered
    pushed_at REAL,
    lane_at REAL,                      -- when a command may be started; NULL: none waits
    created_at REAL NOT NULL
);
CREATE INDEX devices_lane ON devices (server, lane_at) WHERE lane_at IS NOT NULL;
CREATE UNIQUE INDEX devices_udid ON devices (server, udid) WHERE udid IS NOT NULL;
CREATE UNIQUE INDEX devices_enrollment ON devices (server, enrollment_id)
    WHERE enrollment_id IS NOT NULL;
CREATE INDEX devices_serial ON devices (serial_number);
CREATE INDEX devices_nameless ON devices (server) WHERE serial_number IS NULL;

-- What a device said of one app in its newest list; once-only statuses have their own column.
CREATE TABLE app_reports (
    device_id INTEGER NOT NULL,
    bundle_id TEXT NOT NULL,
    status TEXT,                       -- NULL: not in the newest list
    reported_at REAL NOT NULL,
    once_status TEXT,
    once_at REAL,
    external_version TEXT,
    PRIMARY KEY (device_id, bundle_id)
);

CREATE TABLE apps (
    adam_id TEXT PRIMARY KEY,
    bundle_id TEXT,
    bundle_id_from TEXT,               -- file | metadata | device
    name TEXT,
    name_from TEXT,                    -- file | metadata
    icon_url TEXT,
    platforms TEXT,                    -- as Apple's metadata says: iOS,macOS
    metadata_at REAL                   -- when Apple's metadata last told of it
);
CREATE INDEX apps_bundle ON apps (bundle_id) WHERE bundle_id IS NOT NULL;

-- Apps of which a location's metadata did not tell, and when it is asked again.
CREATE TABLE metadata_misses (
    location TEXT NOT NULL,
    adam_id TEXT NOT NULL,
    next_at REAL NOT NULL,
    PRIMARY KEY (location, adam_id)
);

CREATE TABLE locations (
    name TEXT PRIMARY KEY,
    library_uid TEXT,
    location_name TEXT,
    country TEXT,
    platform TEXT,
    heard_at REAL,                     -- the newest good reply to a call with its token
    token_digest TEXT,                 -- the token that was last seen to be of this library
    token_file_expires_at REAL,        -- its end as its file says
    token_apple_expires_at REAL,       -- its end as Apple says; the earlier one counts
    token_warned_days INTEGER,         -- the least number of days of which was warned
    mdm_id TEXT,                       -- whose the location is, as Apple last said
    mdm_name TEXT,
    notification_url TEXT,
    notification_types TEXT,
    told_url TEXT,                     -- the notification URL that Apple last took from us
    url_refused TEXT,                  -- why Apple does not take the one that is wanted
    url_refused_at REAL,               -- since when it does not
    notification_token_sha256 TEXT,    -- the token that Apple holds
    notification_token_at REAL,        -- since when it does
    notification_tokens_new TEXT,      -- JSON: tokens that it may hold
    notification_tokens_old TEXT,      -- JSON: tokens that it held, and until when they count
    registered_at REAL,
    stopped TEXT,                      -- why nothing is written there: a reason, or NULL
    stopped_detail TEXT,               -- (both are made of the six columns that follow)
    token_stop TEXT,
    token_stop_detail TEXT,
    token_stop_at REAL,
    token_stop_digest TEXT,            -- the token that it is about
    foreign_holder TEXT,               -- by what another MDM shows
    shared_with TEXT,                  -- the location before this one that has its library
    max_assets INTEGER,
    max_serial_numbers INTEGER,
    max_requests_per_second INTEGER,
    config_read_at REAL,
    limits_read_at REAL,
    assets_read_at REAL,
    assignments_read_at REAL,
    assignments_version TEXT,
    last_notification_at REAL
);

CREATE TABLE assets (
    location TEXT NOT NULL,
    adam_id TEXT NOT NULL,
    pricing_param TEXT NOT NULL,
    product_type TEXT,
    total INTEGER,
    available INTEGER,                 -- as read; NULL for unlimited
    assigned INTEGER,
    unlimited INTEGER NOT NULL DEFAULT 0,
    device_assignable INTEGER NOT NULL DEFAULT 1,
    revocable INTEGER NOT NULL DEFAULT 1,
    platforms TEXT,
    read_at REAL NOT NULL,
    counted_at REAL NOT NULL,          -- read, or told to have changed by an ASSET_COUNT
    PRIMARY KEY (location, adam_id, pricing_param)
);

CREATE TABLE assignments (
    location TEXT NOT NULL,
    adam_id TEXT NOT NULL,
    pricing_param TEXT NOT NULL,
    target_kind TEXT NOT NULL,
    target TEXT NOT NULL,
    confirmed_at REAL NOT NULL,
    confirmed_by TEXT NOT NULL,        -- notification | status | read
    read_at REAL NOT NULL,             -- the newest evidence that Apple lists it
    PRIMARY KEY (location, adam_id, pricing_param, target_kind, target)
);
CREATE INDEX assignments_target ON assignments (target, adam_id);

-- Our asynchronous requests to Apple; an outbox row each.
CREATE TABLE apple_requests (
    id INTEGER PRIMARY KEY,
    location TEXT NOT NULL,
    kind TEXT NOT NULL,                -- ASSOCIATE | DISASSOCIATE
    state TEXT NOT NULL,               -- ready | sending | open | in_doubt | done | refused
    apple_event_id TEXT,
    num_requested INTEGER NOT NULL,
    created_at REAL NOT NULL,
    submitted_at REAL,
    answered_at REAL,
    next_status_at REAL,
    status_asked_at REAL,
    next_read_at REAL,
    settled_at REAL,
    settled_by TEXT,
    error_number INTEGER,
    detail TEXT
);
CREATE INDEX apple_requests_event ON apple_requests (location, apple_event_id);
CREATE INDEX apple_requests_open ON apple_requests (state)
    WHERE state IN ('ready', 'sending', 'open', 'in_doubt');

CREATE TABLE request_pairs (
    id INTEGER PRIMARY KEY,
    request_id INTEGER,                -- NULL while it is being collected
    location TEXT NOT NULL,
    kind TEXT NOT NULL,
    adam_id TEXT NOT NULL,
    pricing_param TEXT NOT NULL,
    target_kind TEXT NOT NULL,
    target TEXT NOT NULL,
    state TEXT NOT NULL,               -- wanted | open | confirmed | failed | missing
    ready_at REAL NOT NULL,
    settled_at REAL,
    settled_by TEXT,
    looked_at REAL,                    -- when assignments were read for it afterwards
    foreign_at REAL,                   -- when an event of somebody else touched it meanwhile
    error_number INTEGER,
    repeat INTEGER NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX request_pairs_open ON request_pairs
    (location, adam_id, pricing_param, target_kind, target)
    WHERE state IN ('wanted', 'open');
CREATE INDEX request_pairs_pair ON request_pairs (target, adam_id, id);
CREATE INDEX request_pairs_request ON request_pairs (request_id, state);
CREATE INDEX request_pairs_wanted ON request_pairs (location, kind, ready_at)
    WHERE state = 'wanted';
CREATE INDEX request_pairs_settled ON request_pairs (location, adam_id, settled_at)
    WHERE state = 'confirmed';

-- What the last apply stored, whole; and wishes beside it.
CREATE TABLE wanted (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    document TEXT NOT NULL,
    stored_at REAL NOT NULL
);

CREATE TABLE installs (
    id INTEGER PRIMARY KEY,
    target_kind TEXT NOT NULL,
    target TEXT NOT NULL,
    adam_id TEXT NOT NULL,
    pricing_param TEXT NOT NULL,
    location TEXT NOT NULL,
    wanted INTEGER NOT NULL,
    wanted_by TEXT NOT NULL,
    options TEXT NOT NULL,             -- JSON: mode, managed, take_over, bundle_id, ...
    priority INTEGER NOT NULL DEFAULT 0,
    state TEXT NOT NULL,
    reason TEXT NOT NULL,
    detail TEXT NOT NULL DEFAULT '',
    attempts INTEGER NOT NULL DEFAULT 0,
    round_at REAL NOT NULL,            -- what failed before this does not count any more
    since REAL NOT NULL,
    created_at REAL NOT NULL,
    updated_at REAL NOT NULL,
    installed_at REAL,
    next_check_at REAL,
    dirty_at REAL,                     -- when something touched it; NULL: nothing to decide
    needs_seat INTEGER NOT NULL DEFAULT 0,
    UNIQUE (target_kind, target, adam_id)
);
CREATE INDEX installs_dirty ON installs (dirty_at, id) WHERE dirty_at IS NOT NULL;
CREATE INDEX installs_check ON installs (next_check_at) WHERE next_check_at IS NOT NULL;
CREATE INDEX installs_seat ON installs (location, adam_id, priority, created_at)
    WHERE needs_seat = 1;
CREATE INDEX installs_app ON installs (adam_id, state);

-- One CommandUUID each: an attempt is one CommandUUID, chosen and stored before it is posted.
CREATE TABLE commands (
    command_uuid TEXT PRIMARY KEY,
    server TEXT NOT NULL,
    device_id INTEGER NOT NULL,
    install_id INTEGER,
    request_type TEXT NOT NULL,
    state TEXT NOT NULL,               -- see domain/model.py, CommandState
    enrolment INTEGER NOT NULL,
    attempt INTEGER NOT NULL DEFAULT 1,
    posts INTEGER NOT NULL DEFAULT 0,
    created_at REAL NOT NULL,
    due_at REAL NOT NULL,
    posted_at REAL,
    look_at REAL,                      -- when the server's queue is looked at next
    suspect INTEGER NOT NULL DEFAULT 0,  -- its answer may have come while nobody listened
    in_doubt_at REAL,
    not_now_since REAL,
    not_now_at REAL,
    push_at REAL,
    answered_at REAL,
    status TEXT,
    error_domain TEXT,
    error_code INTEGER,
    error_text TEXT,
    app_state TEXT,
    rejection_reason TEXT
);
CREATE INDEX commands_lane ON commands (device_id)
    WHERE state IN ('posting', 'posted', 'queued', 'not_now');
CREATE INDEX commands_ready ON commands (device_id, due_at) WHERE state = 'ready';
CREATE INDEX commands_unseen ON commands (server, posted_at)
    WHERE state IN ('posting', 'posted');
CREATE INDEX commands_look ON commands (look_at) WHERE look_at IS NOT NULL;
CREATE INDEX commands_push ON commands (push_at) WHERE push_at IS NOT NULL;
CREATE INDEX commands_install ON commands (install_id, created_at) WHERE install_id IS NOT NULL;
CREATE UNIQUE INDEX commands_one_list ON commands (device_id, request_type)
    WHERE request_type IN
        ('ManagedApplicationList', 'InstalledApplicationList', 'DeviceInformation')
      AND state IN ('ready', 'posting', 'posted', 'queued', 'not_now');
CREATE UNIQUE INDEX commands_one_install ON commands (install_id)
    WHERE install_id IS NOT NULL
      AND state IN ('ready', 'posting', 'posted', 'queued', 'not_now', 'in_doubt');

-- One intended outside call each; an associate's id is its request's id.
CREATE TABLE outbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT,  -- never used again: requests carry it, too
    service TEXT NOT NULL,             -- apple | mdm
    scope TEXT NOT NULL,               -- the location's or server's name
    kind TEXT NOT NULL,
    key TEXT NOT NULL,                 -- unique while open
    subject TEXT NOT NULL,             -- what the call is about: an id, or JSON
    state TEXT NOT NULL,               -- ready | claimed | done | failed
    due_at REAL NOT NULL,
    tries INTEGER NOT NULL DEFAULT 0,
    created_at REAL NOT NULL,
    claimed_at REAL,
    settled_at REAL,
    error TEXT,
    passing INTEGER NOT NULL DEFAULT 1 -- whether that error is likely to go away by itself
);
CREATE UNIQUE INDEX outbox_open ON outbox (service, scope, kind, key)
    WHERE state IN ('ready', 'claimed');
CREATE INDEX outbox_due ON outbox (service, scope, due_at, id) WHERE state = 'ready';
CREATE INDEX outbox_settled ON outbox (settled_at) WHERE settled_at IS NOT NULL;

-- Clock-driven jobs and when they are due next.
CREATE TABLE schedule (
    name TEXT PRIMARY KEY,
    next_at REAL NOT NULL
);
"""


@migrations()
def m001_first(db: Any) -> None:
    """Events, devices, licences, installs, commands and the outbox."""
    for statement in _statements(_FIRST):
        db.execute(statement)


def _statements(script: str) -> list[str]:
    lines = (line.split("--", 1)[0] for line in script.splitlines())
    return [s.strip() for s in "\n".join(lines).split(";") if s.strip()]
