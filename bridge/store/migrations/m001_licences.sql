-- Apple's side: locations, their assets and assignments, our requests.

CREATE TABLE locations (
    name TEXT PRIMARY KEY,
    library_uid TEXT,
    location_name TEXT,
    country TEXT,
    platform TEXT,
    heard_at DOUBLE PRECISION,         -- the newest good reply to a call with its token
    token_digest TEXT,                 -- the token that was last seen to be of this library
    token_file_expires_at DOUBLE PRECISION,  -- its end as its file says
    token_apple_expires_at DOUBLE PRECISION,  -- its end as Apple says; the earlier one counts
    token_warned_days INTEGER,         -- the least number of days of which was warned
    mdm_id TEXT,                       -- whose the location is, as Apple last said
    mdm_name TEXT,
    notification_url TEXT,
    notification_types TEXT,
    told_url TEXT,                     -- the notification URL that Apple last took from us
    url_refused TEXT,                  -- why Apple does not take the one that is wanted
    url_refused_at DOUBLE PRECISION,   -- since when it does not
    notification_token_sha256 TEXT,    -- the token that Apple holds
    notification_token_at DOUBLE PRECISION,  -- since when it does
    notification_tokens_new TEXT,      -- JSON: tokens that it may hold
    notification_tokens_old TEXT,      -- JSON: tokens that it held, and until when they count
    registered_at DOUBLE PRECISION,
    suspended TEXT,                    -- why nothing is written there: a reason, or NULL
    suspended_detail TEXT,             -- (both are made of the six columns that follow)
    token_suspension TEXT,
    token_suspension_detail TEXT,
    token_suspension_at DOUBLE PRECISION,
    token_suspension_digest TEXT,      -- the token that it is about
    foreign_mdm TEXT,                  -- by what another MDM shows
    shared_with TEXT,                  -- the location before this one that has its library
    max_assets INTEGER,
    max_serial_numbers INTEGER,
    max_client_user_ids INTEGER,       -- of one request for licences
    max_users INTEGER,                 -- of one request about users
    max_requests_per_second INTEGER,
    config_read_at DOUBLE PRECISION,
    limits_read_at DOUBLE PRECISION,
    assets_read_at DOUBLE PRECISION,
    assignments_read_at DOUBLE PRECISION,
    assignments_version TEXT,
    users_read_at DOUBLE PRECISION,
    users_version TEXT,
    invitation_url TEXT,               -- where a user accepts, with a place for the invite code
    last_notification_at DOUBLE PRECISION
);

CREATE TABLE assets (
    location TEXT NOT NULL,
    adam_id TEXT NOT NULL,
    pricing_param TEXT NOT NULL,
    product_type TEXT,
    total INTEGER,
    available INTEGER,                 -- as read; NULL for unlimited
    retired INTEGER,                   -- of the total, those that nobody can be given
    assigned INTEGER,
    unlimited INTEGER NOT NULL DEFAULT 0,
    device_assignable INTEGER NOT NULL DEFAULT 1,
    revocable INTEGER NOT NULL DEFAULT 1,
    platforms TEXT,
    read_at DOUBLE PRECISION NOT NULL,
    counted_at DOUBLE PRECISION NOT NULL,  -- read, or told to have changed by an ASSET_COUNT
    PRIMARY KEY (location, adam_id, pricing_param)
);

-- Rows of Apple's lists that the newest full read could not read; empty text: it may be any.
CREATE TABLE odd_rows (
    id INTEGER PRIMARY KEY,            -- in the order of the read
    location TEXT NOT NULL,
    source TEXT NOT NULL,              -- assets | assignments | subscriptions
    adam_id TEXT NOT NULL,
    pricing_param TEXT NOT NULL,
    target TEXT NOT NULL,              -- a serial number or a user, as in pairs
    what TEXT NOT NULL,
    place TEXT NOT NULL,
    since DOUBLE PRECISION NOT NULL,   -- the first read that had it
    UNIQUE (location, source, adam_id, pricing_param, target, what)
);

-- Pairs that an odd row may be of, each looked up on its own.
CREATE TABLE assignment_looks (
    location TEXT NOT NULL,
    adam_id TEXT NOT NULL,
    pricing_param TEXT NOT NULL,
    target TEXT NOT NULL,
    looked_at DOUBLE PRECISION NOT NULL,
    odd TEXT,                          -- what could not be read then, NULL: it is not owned
    PRIMARY KEY (location, target, adam_id, pricing_param)
);

-- How many licences were in use on each day (since the epoch, UTC), as last counted on it.
CREATE TABLE asset_days (
    location TEXT NOT NULL,
    adam_id TEXT NOT NULL,
    pricing_param TEXT NOT NULL,
    day INTEGER NOT NULL,
    used INTEGER NOT NULL,
    PRIMARY KEY (location, adam_id, pricing_param, day)
);

CREATE TABLE assignments (
    location TEXT NOT NULL,
    adam_id TEXT NOT NULL,
    pricing_param TEXT NOT NULL,
    target TEXT NOT NULL,
    confirmed_at DOUBLE PRECISION NOT NULL,
    confirmed_by TEXT NOT NULL,        -- notification | status | read
    read_at DOUBLE PRECISION NOT NULL,  -- the newest evidence that Apple lists it
    ours INTEGER NOT NULL DEFAULT 0,   -- whether a request of ours got it
    PRIMARY KEY (location, adam_id, pricing_param, target),
    CHECK (ours IN (0, 1))
);
CREATE INDEX assignments_target ON assignments (target, adam_id);

-- Our asynchronous requests to Apple; an outbox row each.
CREATE TABLE apple_requests (
    id INTEGER PRIMARY KEY,
    location TEXT NOT NULL,
    kind TEXT NOT NULL,                -- ASSOCIATE | DISASSOCIATE; of users CREATE | UPDATE | RETIRE
    state TEXT NOT NULL,               -- ready | sending | open | in_doubt | done | refused
    apple_event_id TEXT,
    num_requested INTEGER NOT NULL,
    created_at DOUBLE PRECISION NOT NULL,
    submitted_at DOUBLE PRECISION,
    answered_at DOUBLE PRECISION,
    next_status_at DOUBLE PRECISION,
    status_asked_at DOUBLE PRECISION,
    next_read_at DOUBLE PRECISION,
    settled_at DOUBLE PRECISION,
    settled_by TEXT,
    error_number INTEGER,
    detail TEXT,
    CHECK (state IN ('ready', 'sending', 'open', 'in_doubt', 'done', 'refused'))
);
CREATE INDEX apple_requests_event ON apple_requests (location, apple_event_id);
CREATE INDEX apple_requests_status ON apple_requests (next_status_at) WHERE state = 'open';
CREATE INDEX apple_requests_read ON apple_requests (next_read_at) WHERE state = 'in_doubt';
CREATE INDEX apple_requests_open ON apple_requests (state)
    WHERE state IN ('ready', 'sending', 'open', 'in_doubt');

CREATE TABLE request_pairs (
    id INTEGER PRIMARY KEY,
    request_id INTEGER,                -- NULL while it is being collected
    location TEXT NOT NULL,
    kind TEXT NOT NULL,
    adam_id TEXT NOT NULL,
    pricing_param TEXT NOT NULL,
    target TEXT NOT NULL,
    state TEXT NOT NULL,               -- see store/licences/states.py
    ready_at DOUBLE PRECISION NOT NULL,
    settled_at DOUBLE PRECISION,
    settled_by TEXT,
    looked_at DOUBLE PRECISION,        -- when assignments were read for it afterwards
    foreign_at DOUBLE PRECISION,       -- when an event of somebody else touched it meanwhile
    error_number INTEGER,
    repeat INTEGER NOT NULL DEFAULT 0,
    CHECK (state IN ('collected', 'open', 'confirmed', 'failed', 'missing', 'withdrawn', 'taken')),
    CHECK (state <> 'collected' OR request_id IS NULL),
    CHECK (state <> 'open' OR request_id IS NOT NULL)
);
CREATE UNIQUE INDEX request_pairs_open ON request_pairs
    (location, adam_id, pricing_param, target)
    WHERE state IN ('collected', 'open');
CREATE INDEX request_pairs_pair ON request_pairs (target, adam_id, id);
CREATE INDEX request_pairs_request ON request_pairs (request_id);
CREATE INDEX request_pairs_asked ON request_pairs (request_id) WHERE state = 'open';
CREATE INDEX request_pairs_touched ON request_pairs (request_id) WHERE foreign_at IS NOT NULL;
CREATE INDEX request_pairs_collected ON request_pairs (location, kind, ready_at)
    WHERE state = 'collected';
CREATE INDEX request_pairs_settled ON request_pairs (location, adam_id, settled_at)
    WHERE state = 'confirmed';
