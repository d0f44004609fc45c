-- Users at Apple: what is wanted of them, what Apple said, and what it was asked.

-- One row for each location and clientUserId that the file names, or that Apple has shown.
CREATE TABLE users (
    id INTEGER PRIMARY KEY,
    location TEXT NOT NULL,
    client_user_id TEXT NOT NULL,
    wanted INTEGER NOT NULL DEFAULT 0, -- the last apply wants the user here
    retire INTEGER NOT NULL DEFAULT 0, -- an apply wants the user retired
    email TEXT,                        -- what Apple is to have; NULL: no address can be told
    email_from TEXT,                   -- own | managed_apple_id | location | host
    managed_apple_id TEXT,
    told_email TEXT,                   -- what Apple took from us, or showed
    told_managed_apple_id TEXT,        -- what it took from us: it shows none
    status TEXT,                       -- Registered | Associated | Retired | ..., as Apple says
    id_hash TEXT,
    invite_code TEXT,
    ours INTEGER NOT NULL DEFAULT 0,   -- whether a request of ours made the user
    heard_at DOUBLE PRECISION,         -- the newest that Apple said of the user
    heard_by TEXT,                     -- notification | status | read
    state TEXT NOT NULL,
    reason TEXT NOT NULL,
    detail TEXT NOT NULL DEFAULT '',
    since DOUBLE PRECISION NOT NULL,
    created_at DOUBLE PRECISION NOT NULL,
    updated_at DOUBLE PRECISION NOT NULL,
    round_at DOUBLE PRECISION NOT NULL,  -- what failed before this does not count any more
    next_check_at DOUBLE PRECISION,
    dirty_at DOUBLE PRECISION,         -- when something touched it; NULL: nothing to decide
    UNIQUE (location, client_user_id)
);
CREATE INDEX users_dirty ON users (location, id) WHERE dirty_at IS NOT NULL;
CREATE INDEX users_check ON users (location, next_check_at) WHERE next_check_at IS NOT NULL;
CREATE INDEX users_id ON users (client_user_id);

-- The devices of the users of the last apply, as installs name them.
CREATE TABLE user_devices (
    target TEXT PRIMARY KEY,
    client_user_id TEXT NOT NULL
);
CREATE INDEX user_devices_user ON user_devices (client_user_id);

-- The invitations that were to be shown on devices, one command each.
CREATE TABLE invitations (
    command_uuid TEXT PRIMARY KEY,
    location TEXT NOT NULL,
    client_user_id TEXT NOT NULL,
    target TEXT NOT NULL,              -- the device, as installs name it
    url TEXT,                          -- a secret, which goes once the device has answered
    shown INTEGER NOT NULL DEFAULT 0,  -- the device showed it
    answer TEXT,                       -- what the device said; NULL: nothing yet
    created_at DOUBLE PRECISION NOT NULL
);
CREATE INDEX invitations_user ON invitations (client_user_id, location, created_at);

-- What Apple was asked of one user, in a request with others.
CREATE TABLE user_changes (
    id INTEGER PRIMARY KEY,
    request_id INTEGER NOT NULL,
    location TEXT NOT NULL,
    client_user_id TEXT NOT NULL,
    kind TEXT NOT NULL,                -- CREATE | UPDATE | RETIRE
    email TEXT,
    managed_apple_id TEXT,
    state TEXT NOT NULL,               -- open | confirmed | failed | missing | withdrawn
    created_at DOUBLE PRECISION NOT NULL,
    settled_at DOUBLE PRECISION,
    settled_by TEXT,
    error_number INTEGER
);
CREATE UNIQUE INDEX user_changes_open ON user_changes (location, client_user_id)
    WHERE state = 'open';
CREATE INDEX user_changes_user ON user_changes (location, client_user_id, id);
CREATE INDEX user_changes_request ON user_changes (request_id);
