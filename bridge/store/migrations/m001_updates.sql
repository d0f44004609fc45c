-- New versions of apps that are there.

-- The newest version of an app in one storefront for one family of devices, and how far it has gone.
CREATE TABLE rollouts (
    adam_id TEXT NOT NULL,
    storefront TEXT NOT NULL,
    family TEXT NOT NULL,
    number INTEGER NOT NULL,           -- counts the versions that were seen
    version TEXT,                      -- as people read it
    external_version INTEGER,          -- Apple's number of it
    minimum_os TEXT,
    found_at DOUBLE PRECISION NOT NULL,
    ring INTEGER NOT NULL DEFAULT 0,   -- the last ring that has begun
    through_at DOUBLE PRECISION,       -- since when all devices up to that ring had their chance
    stopped TEXT,                      -- why it goes no further, in words
    PRIMARY KEY (adam_id, storefront, family)
);

-- What people call the versions that Apple told by number and by name.
CREATE TABLE version_names (
    adam_id TEXT NOT NULL,
    storefront TEXT NOT NULL,
    family TEXT NOT NULL,
    external_version INTEGER NOT NULL,
    version TEXT NOT NULL,
    PRIMARY KEY (adam_id, storefront, family, external_version)
) WITHOUT ROWID;

-- Of the newest version, what came of it in each ring: counted as it changes.
CREATE TABLE rollout_rings (
    adam_id TEXT NOT NULL,
    storefront TEXT NOT NULL,
    family TEXT NOT NULL,
    ring INTEGER NOT NULL,
    devices INTEGER NOT NULL DEFAULT 0,
    done INTEGER NOT NULL DEFAULT 0,
    failed INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (adam_id, storefront, family, ring)
) WITHOUT ROWID;

-- What was tried on each device for the newest version that it did not have.
CREATE TABLE updates (
    install_id INTEGER PRIMARY KEY,
    target TEXT NOT NULL,
    adam_id TEXT NOT NULL,
    storefront TEXT NOT NULL,
    family TEXT NOT NULL,
    ring INTEGER NOT NULL,
    number INTEGER NOT NULL,           -- of the version that it is about
    state TEXT NOT NULL,               -- see domain/updates/facts.py, TriedState
    tries INTEGER NOT NULL DEFAULT 0,  -- windows in which the device refused it
    had TEXT,                          -- the external version that the device had before
    opens_at DOUBLE PRECISION NOT NULL,  -- when it may be sent
    next_at DOUBLE PRECISION NOT NULL,   -- when it may be sent if that comes to nothing
    wake_at DOUBLE PRECISION NOT NULL,   -- when its device is called
    woken_at DOUBLE PRECISION,         -- when it was called last
    started_at DOUBLE PRECISION,       -- when a command was last made
    done_at DOUBLE PRECISION           -- when a list last showed that it had the version
);
CREATE INDEX updates_target ON updates (target, state);
CREATE INDEX updates_turn ON updates (adam_id, storefront, family, state, ring, wake_at);
CREATE INDEX updates_started ON updates (adam_id, started_at) WHERE started_at IS NOT NULL;
CREATE INDEX updates_woken ON updates (adam_id, woken_at) WHERE woken_at IS NOT NULL;
