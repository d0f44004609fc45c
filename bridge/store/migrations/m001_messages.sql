-- What came in, and what is counted.

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
    received_at DOUBLE PRECISION NOT NULL,
    status TEXT NOT NULL,              -- new | done | ignored | set_aside
    tries INTEGER NOT NULL DEFAULT 0,
    next_try_at DOUBLE PRECISION NOT NULL DEFAULT 0,
    processed_at DOUBLE PRECISION,
    error TEXT,
    outcome TEXT,
    udid TEXT,
    command_uuid TEXT,
    apple_event_id TEXT,
    body BLOB NOT NULL,
    CHECK (status IN ('new', 'done', 'ignored', 'set_aside'))
);
CREATE INDEX events_new ON events (status, next_try_at, id) WHERE status = 'new';
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
    seen_at DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (source, origin, kind, message_id)
);
CREATE INDEX seen_messages_at ON seen_messages (source, seen_at);

-- What people did, in the transaction in which it was done, until the engine has logged it.
CREATE TABLE acts (
    id INTEGER PRIMARY KEY,
    at DOUBLE PRECISION NOT NULL,
    level TEXT NOT NULL,               -- info | warning
    message TEXT NOT NULL,
    about TEXT NOT NULL                -- JSON: keys of the log and their values
);

-- Who changed what, in the transaction in which it was changed. No secret, no body, no value of a
-- setting; and what was refused for want of a role, told together.
CREATE TABLE audit (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at DOUBLE PRECISION NOT NULL,
    actor TEXT NOT NULL,               -- key | user | bridge
    who TEXT NOT NULL,                 -- its name
    role TEXT,                         -- of a key
    sudo_user TEXT,                    -- who became this user
    via TEXT NOT NULL,                 -- the call or the command
    action TEXT NOT NULL,              -- see domain/audit.py
    sentence TEXT NOT NULL,
    subject TEXT NOT NULL,             -- JSON: what it is about, by the log's keys
    state_before TEXT,                 -- JSON
    state_after TEXT,                  -- JSON
    times INTEGER NOT NULL             -- how often; more than once only where it was refused
);
CREATE INDEX audit_at ON audit (at);
CREATE INDEX audit_who ON audit (who, id);
CREATE INDEX audit_action ON audit (action, id);

-- The devices and apps that an entry is about, to find it by.
CREATE TABLE audit_subjects (
    kind TEXT NOT NULL,                -- serial | app
    name TEXT NOT NULL,
    entry INTEGER NOT NULL,            -- audit.id
    at DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (kind, name, entry)
);
CREATE INDEX audit_subjects_at ON audit_subjects (at);

-- How the webhooks of each MDM server come; doctor's probes are none. Also of '', no known server.
CREATE TABLE webhooks (
    server TEXT PRIMARY KEY,
    accepted INTEGER NOT NULL,
    last_at DOUBLE PRECISION,          -- when the newest was taken in
    told_at DOUBLE PRECISION           -- when the log told what is wrong; NULL: all is well
);

-- How far they have come, as far as they are processed; see domain/lag.py.
CREATE TABLE webhook_streams (
    server TEXT PRIMARY KEY,
    heard_to DOUBLE PRECISION,         -- when the newest of them was sent, by our clock
    advanced_at DOUBLE PRECISION,      -- when that one came
    ahead DOUBLE PRECISION,            -- our clock is ahead of the server's by that at most
    ahead_at DOUBLE PRECISION,         -- when that was seen
    behind_since DOUBLE PRECISION,     -- NULL: they come at once
    waiting_since DOUBLE PRECISION     -- what came after that waits in the inbox; NULL: nothing
);

-- The longest time between two of them that ended on a day (since the epoch, UTC).
CREATE TABLE webhook_gaps (
    server TEXT NOT NULL,
    day INTEGER NOT NULL,
    longest DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (server, day)
);

-- What was refused since the last one that was taken in.
CREATE TABLE webhook_refusals (
    server TEXT NOT NULL,
    status INTEGER NOT NULL,
    count INTEGER NOT NULL,
    first_at DOUBLE PRECISION NOT NULL,
    last_at DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (server, status)
);

CREATE TABLE counters (
    name TEXT PRIMARY KEY,
    value INTEGER NOT NULL,
    updated_at DOUBLE PRECISION NOT NULL
);
