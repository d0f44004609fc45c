-- Devices, what they said of their apps, and the apps.

CREATE TABLE devices (
    id INTEGER PRIMARY KEY,
    server TEXT NOT NULL,
    udid TEXT,
    enrollment_id TEXT,
    channel_of INTEGER,                -- the device whose user's channel this is; NULL: a device
    channel_id TEXT,                   -- by what its server addresses it then
    updates_wait INTEGER NOT NULL DEFAULT 0,  -- whether newer versions wait until it comes
    serial_number TEXT,
    claimed_serial TEXT,               -- what it tells in place of a serial number
    filed_serial TEXT,                 -- what its server's devices_file says of it
    name TEXT,
    product_name TEXT,
    model TEXT,
    os_version TEXT,
    build_version TEXT,
    enrolled INTEGER,                  -- NULL: not known
    enrolment INTEGER NOT NULL DEFAULT 0,  -- how many enrolments were seen
    enrolled_at DOUBLE PRECISION,      -- when the present enrolment was seen
    enrolled_after DOUBLE PRECISION,   -- it was not enrolled then; NULL: maybe it was for long
    authenticate_stamp DOUBLE PRECISION,  -- the server's created_at; orders webhooks of one device
    token_stamp DOUBLE PRECISION,
    checkout_stamp DOUBLE PRECISION,
    last_seen_at DOUBLE PRECISION,
    last_connect_at DOUBLE PRECISION,
    apps_asked_at DOUBLE PRECISION,    -- when the newest answered ManagedApplicationList was made
    apps_listed_at DOUBLE PRECISION,   -- when it was answered
    apps_enrolment INTEGER,            -- the enrolment it belongs to
    apps_refused_at DOUBLE PRECISION,  -- when the device last would not list its apps
    media_asked_at DOUBLE PRECISION,   -- the same four of its newest ManagedMediaList
    media_listed_at DOUBLE PRECISION,
    media_enrolment INTEGER,
    media_refused_at DOUBLE PRECISION,
    installed_refused_at DOUBLE PRECISION,  -- when it last refused an InstalledApplicationList
    refusal TEXT,                      -- what it said then, in words, instead of either list
    declared_at DOUBLE PRECISION,      -- when its declarative status last told of apps
    moved_to TEXT,                     -- the server with which it enrolled since: this record is past
    moved_at DOUBLE PRECISION,         -- that server's time of it
    left_out_at DOUBLE PRECISION,      -- since when its server's list of devices leaves it out
    awaiting_at DOUBLE PRECISION,      -- when its newest TokenUpdate said AwaitingConfiguration
    setup_since DOUBLE PRECISION,      -- since when it is in Setup Assistant; NULL: not this time
    setup_ended_at DOUBLE PRECISION,   -- when that was over
    setup_free_at DOUBLE PRECISION,    -- when a pause ended that had held its release up
    setup_ready_at DOUBLE PRECISION,   -- when all its required apps were there
    setup_all INTEGER NOT NULL DEFAULT 0,  -- whether it was known before: it gets all its apps there
    supervised INTEGER,                -- as it said itself; NULL: it did not
    unenrolled_at DOUBLE PRECISION,    -- when it was last told that it left; enrolled says if it is so
    reclaim_at DOUBLE PRECISION DEFAULT 0,  -- when it is looked at whether it is gone; NULL: it is not
    serial_asked_at DOUBLE PRECISION,
    facts_asked_at DOUBLE PRECISION,   -- when it was last asked, because a `match` needs to know
    facts_at DOUBLE PRECISION,         -- when a DeviceInformation was answered
    pushed_at DOUBLE PRECISION,
    queue_at DOUBLE PRECISION,         -- when a command may be started; NULL: none waits
    created_at DOUBLE PRECISION NOT NULL
);
CREATE INDEX devices_queue_next ON devices (queue_at) WHERE queue_at IS NOT NULL;
CREATE INDEX devices_queue ON devices (server, queue_at) WHERE queue_at IS NOT NULL;
CREATE UNIQUE INDEX devices_udid ON devices (server, udid) WHERE udid IS NOT NULL;
CREATE UNIQUE INDEX devices_enrollment ON devices (server, enrollment_id)
    WHERE enrollment_id IS NOT NULL;
CREATE INDEX devices_enrollment_id ON devices (enrollment_id) WHERE enrollment_id IS NOT NULL;
CREATE UNIQUE INDEX devices_channel ON devices (server, channel_id)
    WHERE channel_id IS NOT NULL;
CREATE INDEX devices_channels ON devices (channel_of) WHERE channel_of IS NOT NULL;
CREATE INDEX devices_serial ON devices (serial_number);
CREATE INDEX devices_everywhere ON devices (udid) WHERE udid IS NOT NULL;
CREATE INDEX devices_claims ON devices (serial_number, server, id)
    WHERE serial_number IS NULL AND claimed_serial IS NOT NULL;
CREATE INDEX devices_enrolled_serial ON devices (serial_number) WHERE enrolled = 1;
CREATE INDEX devices_nameless ON devices (server) WHERE serial_number IS NULL;
CREATE INDEX devices_in_setup ON devices (setup_since)
    WHERE setup_since IS NOT NULL AND setup_ended_at IS NULL;
CREATE INDEX devices_left_out ON devices (server, left_out_at) WHERE left_out_at IS NOT NULL;
CREATE INDEX devices_reclaim ON devices (reclaim_at) WHERE reclaim_at IS NOT NULL;
CREATE INDEX devices_filed ON devices (filed_serial) WHERE filed_serial IS NOT NULL;

-- Devices that showed up since the last apply, which could not know of them, and are served.
CREATE TABLE served_unseen (
    device_id INTEGER PRIMARY KEY
);

-- What a device first said of itself. What an apply could know, it knew by then.
CREATE TABLE first_facts (
    device_id INTEGER NOT NULL,
    fact TEXT NOT NULL,                -- a column of devices
    value TEXT NOT NULL,
    learnt_at DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (device_id, fact)
) WITHOUT ROWID;

-- What a device said of one app in its newest list; once-only statuses have their own column.
CREATE TABLE app_reports (
    device_id INTEGER NOT NULL,
    bundle_id TEXT NOT NULL,
    status TEXT,                       -- NULL: not in the newest list
    reported_at DOUBLE PRECISION NOT NULL,
    once_status TEXT,
    once_at DOUBLE PRECISION,
    there_at DOUBLE PRECISION,         -- when a list last showed it as there
    external_version TEXT,
    PRIMARY KEY (device_id, bundle_id)
);

-- What a device said of an app that an InstalledApplicationList asked for, managed or not.
CREATE TABLE installed_apps (
    device_id INTEGER NOT NULL,
    bundle_id TEXT NOT NULL,
    presence TEXT NOT NULL,            -- there | installing | absent
    version TEXT,                      -- for people: whether it is there decides
    short_version TEXT,
    has_update INTEGER,                -- whether the device knows of a newer one; NULL: not told
    asked_at DOUBLE PRECISION NOT NULL,  -- when the list was made
    reported_at DOUBLE PRECISION NOT NULL,  -- when it was answered
    there_at DOUBLE PRECISION,         -- when a list last showed it as there
    PRIMARY KEY (device_id, bundle_id)
);

-- What a device's declarative status said of an app that a declaration manages, or managed.
CREATE TABLE declared_apps (
    device_id INTEGER NOT NULL,
    bundle_id TEXT NOT NULL,
    removed INTEGER NOT NULL,          -- no declaration manages it any more
    state TEXT,
    update_state TEXT,
    reason TEXT,                       -- the code that says most
    declaration TEXT,                  -- its identifier
    external_version TEXT,
    stamp DOUBLE PRECISION NOT NULL,   -- the server's created_at; orders the reports of one device
    since DOUBLE PRECISION NOT NULL,   -- when it came to this state
    reported_at DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (device_id, bundle_id)
);

-- Answers that came and could not be read, until a readable one comes.
CREATE TABLE unreadable_answers (
    device_id INTEGER NOT NULL,
    request_type TEXT NOT NULL,
    bundle_id TEXT NOT NULL,           -- of which app nothing could be read; empty: the whole answer
    times INTEGER NOT NULL,            -- how many in a row
    since DOUBLE PRECISION NOT NULL,   -- when the first of them came
    last_at DOUBLE PRECISION NOT NULL,
    why TEXT NOT NULL,
    listed_asked_at DOUBLE PRECISION,  -- devices.apps_* before the first: the list that tells of it
    listed_at DOUBLE PRECISION,
    listed_enrolment INTEGER,
    PRIMARY KEY (device_id, request_type, bundle_id)
) WITHOUT ROWID;

-- Questions that a device took and whose answers never came.
CREATE TABLE unheard_answers (
    device_id INTEGER NOT NULL,
    request_type TEXT NOT NULL,
    times INTEGER NOT NULL,            -- how many in a row
    last_at DOUBLE PRECISION NOT NULL, -- when the newest was given up
    in_outage INTEGER NOT NULL,        -- 1: nothing else of the device came either, since the first
    PRIMARY KEY (device_id, request_type)
) WITHOUT ROWID;

CREATE TABLE apps (
    adam_id TEXT PRIMARY KEY,
    bundle_id TEXT,
    bundle_id_from TEXT,               -- file | metadata | device | watch
    name TEXT,
    name_from TEXT,                    -- file | metadata
    icon_url TEXT,
    platforms TEXT,                    -- as Apple's metadata says: iOS,macOS
    kind TEXT,                         -- as Apple's metadata says: iosSoftware, desktopApp
    newest_version TEXT,               -- in the App Store, as Apple's metadata says
    metadata_at DOUBLE PRECISION       -- when Apple's metadata last told of it
);
CREATE INDEX apps_bundle ON apps (bundle_id) WHERE bundle_id IS NOT NULL;

-- Where an app is tried first, to learn its bundle id.
CREATE TABLE probes (
    adam_id TEXT PRIMARY KEY,
    serial_number TEXT,                -- NULL: it came back without it
    since DOUBLE PRECISION NOT NULL,
    tried INTEGER NOT NULL             -- how many devices were
);

-- Apps of which a location's metadata did not tell, and when it is asked again.
CREATE TABLE metadata_misses (
    location TEXT NOT NULL,
    adam_id TEXT NOT NULL,
    next_at DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (location, adam_id)
);
