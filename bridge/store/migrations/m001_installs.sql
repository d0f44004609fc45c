-- What is wanted, and what was decided.

-- What the last apply stored, whole.
CREATE TABLE applied (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    document TEXT NOT NULL,
    stored_at DOUBLE PRECISION NOT NULL,
    limited_at DOUBLE PRECISION,       -- since when applies had a limit; NULL: the last had none
    unseen TEXT NOT NULL DEFAULT '[]'  -- the MDM servers whose devices the last apply did not see
);

-- Wishes beside it, which no apply takes away.
CREATE TABLE one_offs (
    target TEXT NOT NULL,
    adam_id TEXT NOT NULL,
    pricing_param TEXT NOT NULL,
    location TEXT NOT NULL,
    excluded INTEGER NOT NULL DEFAULT 0, -- 1: this device is not to have it, whatever the file says;
                                         -- 2: until an apply shows it again: another took its place
    made_at DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (target, adam_id),
    CHECK (excluded IN (0, 1, 2))
);

-- Managed app configurations: secrets, kept here and nowhere else.
CREATE TABLE configurations (
    digest TEXT PRIMARY KEY,
    document TEXT NOT NULL
);

-- The different lists of locations that installs have, each once; a key is hq,branch.
CREATE TABLE location_lists (
    locations TEXT NOT NULL,
    position INTEGER NOT NULL,         -- the first in order is asked first
    location TEXT NOT NULL,
    PRIMARY KEY (locations, position)
);

CREATE TABLE installs (
    id INTEGER PRIMARY KEY,
    target TEXT NOT NULL,
    adam_id TEXT NOT NULL,
    pricing_param TEXT NOT NULL,
    client_user_id TEXT,               -- whose licence it is made with; NULL: the device's own
    location TEXT NOT NULL,            -- where its licence comes from
    locations TEXT NOT NULL,           -- where it may come from: the key of a list
    desired INTEGER NOT NULL,
    desired_by TEXT NOT NULL,          -- file | one-off | file and one-off
    on_hold TEXT,                      -- the reason for which nothing is done for it, or NULL
    options TEXT NOT NULL,             -- JSON: mode, managed, a configuration's digest, ...
    priority INTEGER NOT NULL DEFAULT 0,
    state TEXT NOT NULL,
    reason TEXT NOT NULL,
    detail TEXT NOT NULL DEFAULT '',
    attempts INTEGER NOT NULL DEFAULT 0,
    round_at DOUBLE PRECISION NOT NULL,  -- what failed before this does not count any more
    since DOUBLE PRECISION NOT NULL,
    created_at DOUBLE PRECISION NOT NULL,
    updated_at DOUBLE PRECISION NOT NULL,
    installed_at DOUBLE PRECISION,
    next_check_at DOUBLE PRECISION,
    bundle_id TEXT,                    -- as its device's answer named the app; NULL: as elsewhere
    update_asked TEXT,                 -- a person wants the newest version: in_window | now
    dirty_at DOUBLE PRECISION,         -- when something touched it; NULL: nothing to decide
    needs_seat INTEGER NOT NULL DEFAULT 0,
    reclaim TEXT,                      -- JSON: its licence is to go back, see domain/reclaim/mark.py
    UNIQUE (target, adam_id),          -- in the order in which installs are listed
    CHECK (state IN ('waiting', 'associating', 'licensed', 'sending', 'sent', 'acknowledged',
                     'installing', 'installed', 'unconfirmed', 'failed', 'conflict', 'needs_user',
                     'removing', 'removed')),
    CHECK (desired IN (0, 1)),
    CHECK (needs_seat IN (0, 1)),
    CHECK (attempts >= 0)
);
CREATE INDEX installs_dirty ON installs (dirty_at, target, id) WHERE dirty_at IS NOT NULL;
CREATE INDEX installs_check ON installs (next_check_at)
    WHERE next_check_at IS NOT NULL AND dirty_at IS NULL;
CREATE INDEX installs_seat ON installs (location, adam_id, priority, created_at)
    WHERE needs_seat = 1;
-- All that is counted for people stands in it.
CREATE INDEX installs_app ON installs (adam_id, desired, location, pricing_param, state, reason);
-- For each reason that an alert is about, one like this.
CREATE INDEX installs_no_seat ON installs (adam_id, location, state, reason, desired)
    WHERE reason = 'NO_SEAT';
CREATE INDEX installs_user ON installs (client_user_id, adam_id) WHERE client_user_id IS NOT NULL;
CREATE INDEX installs_reclaim ON installs (location, id) WHERE reclaim IS NOT NULL;
CREATE INDEX installs_gone ON installs (since) WHERE desired = 0;

-- How each configured MDM server was heard of without a break; see domain/reclaim/watch.py.
CREATE TABLE server_watch (
    server TEXT PRIMARY KEY,
    any_since DOUBLE PRECISION NOT NULL,
    any_at DOUBLE PRECISION,
    any_why TEXT NOT NULL,
    webhooks_since DOUBLE PRECISION NOT NULL,
    webhooks_at DOUBLE PRECISION,
    webhooks_why TEXT NOT NULL,
    looked_at DOUBLE PRECISION NOT NULL,
    listed_at DOUBLE PRECISION,        -- when a device came to it last, by its list of devices
    dead_since DOUBLE PRECISION        -- its newest webhook, where the list went on without one
);

-- The licences of devices that were gone, each with what showed it.
CREATE TABLE reclaims (
    id INTEGER PRIMARY KEY,
    at DOUBLE PRECISION NOT NULL,
    done_by TEXT NOT NULL,             -- policy | person
    location TEXT NOT NULL,
    adam_id TEXT NOT NULL,
    pricing_param TEXT NOT NULL,
    target TEXT NOT NULL,
    kind TEXT NOT NULL,                -- unenrolled | silent | unwanted
    why TEXT NOT NULL
);
CREATE INDEX reclaims_at ON reclaims (at);
CREATE INDEX reclaims_location ON reclaims (location, done_by, at);
CREATE INDEX reclaims_target ON reclaims (target, adam_id, id);

-- Locations of which so many licences would go back by policy that a person has to allow it.
CREATE TABLE reclaim_holds (
    location TEXT PRIMARY KEY,
    since DOUBLE PRECISION NOT NULL,
    looked_at DOUBLE PRECISION NOT NULL,  -- when one of its licences was last found to be due
    licences INTEGER NOT NULL,
    why TEXT NOT NULL
);

-- A device whose place another one takes: its licence of an app goes back once that has its own.
CREATE TABLE replaced (
    old TEXT NOT NULL,
    adam_id TEXT NOT NULL,
    new TEXT NOT NULL,
    at DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (old, adam_id)
);
