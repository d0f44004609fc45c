-- What goes out: commands, calls, and jobs by the clock.

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
    asks INTEGER NOT NULL DEFAULT 0,   -- how often before it a person was asked again
    offline INTEGER NOT NULL DEFAULT 0,  -- how often before it the device had no network
    identifiers TEXT,                  -- bundle ids that a list asks for, as a JSON array
    posts INTEGER NOT NULL DEFAULT 0,
    settings TEXT,                     -- JSON of an InstallApplication: InstallSettings
    renews INTEGER NOT NULL DEFAULT 0,  -- whether the app was Managed already
    updates INTEGER NOT NULL DEFAULT 0,  -- whether it is sent for a newer version of the app
    not_after DOUBLE PRECISION,        -- when it must have left; NULL: whenever
    created_at DOUBLE PRECISION NOT NULL,
    due_at DOUBLE PRECISION NOT NULL,
    posted_at DOUBLE PRECISION,
    look_at DOUBLE PRECISION,          -- when the server's queue is looked at next
    suspect INTEGER NOT NULL DEFAULT 0,  -- its answer may have come while nobody listened
    missed_at DOUBLE PRECISION,        -- when it was first found neither queued nor answered
    in_doubt_at DOUBLE PRECISION,
    not_now_since DOUBLE PRECISION,
    not_now_at DOUBLE PRECISION,
    offered_at DOUBLE PRECISION,       -- when its device first came for commands after posted_at
    stalled_at DOUBLE PRECISION,       -- since when it holds up no other: its device left it open
    odd_answers INTEGER NOT NULL DEFAULT 0,  -- with a status for which the server keeps it
    odd_at DOUBLE PRECISION,           -- when the newest of those came
    push_at DOUBLE PRECISION,
    answered_at DOUBLE PRECISION,
    status TEXT,
    error_domain TEXT,
    error_code INTEGER,
    error_text TEXT,
    app_state TEXT,
    rejection_reason TEXT,
    unread TEXT,                       -- why nothing but the status of the answer could be read
    CHECK (state IN ('ready', 'posting', 'posted', 'queued', 'not_now', 'in_doubt',
                     'acknowledged', 'error', 'dropped')),
    CHECK (state <> 'in_doubt' OR in_doubt_at IS NOT NULL)
);
CREATE INDEX commands_device_queue ON commands (device_id)
    WHERE state IN ('posting', 'posted', 'queued', 'not_now');
CREATE INDEX commands_ready ON commands (device_id, due_at) WHERE state = 'ready';
CREATE INDEX commands_in_doubt ON commands (device_id) WHERE state = 'in_doubt';
CREATE INDEX commands_unseen ON commands (server, posted_at)
    WHERE state IN ('posting', 'posted');
CREATE INDEX commands_look ON commands (look_at) WHERE look_at IS NOT NULL;
CREATE INDEX commands_push ON commands (push_at) WHERE push_at IS NOT NULL;
CREATE INDEX commands_install ON commands (install_id, created_at) WHERE install_id IS NOT NULL;
CREATE INDEX commands_newest ON commands (created_at, command_uuid);
CREATE UNIQUE INDEX commands_one_list ON commands (device_id, request_type)
    WHERE request_type IN
        ('ManagedApplicationList', 'InstalledApplicationList', 'DeviceInformation',
         'ManagedMediaList', 'InviteToProgram', 'DeviceConfigured')
      AND state IN ('ready', 'posting', 'posted', 'queued', 'not_now');
CREATE UNIQUE INDEX commands_one_install ON commands (install_id)
    WHERE install_id IS NOT NULL
      AND state IN ('ready', 'posting', 'posted', 'queued', 'not_now', 'in_doubt');

-- Commands for apps in devices' queues that are not the bridge's, as the newest look showed them.
CREATE TABLE unknown_commands (
    device_id INTEGER NOT NULL,
    command_uuid TEXT NOT NULL,
    target TEXT NOT NULL,              -- the device, as installs name it
    adam_id TEXT NOT NULL,             -- empty: of an app that nobody knows
    request_type TEXT NOT NULL,
    since DOUBLE PRECISION NOT NULL,   -- when a look first showed it
    PRIMARY KEY (device_id, command_uuid)
);

-- One intended outside call each; an associate's id is its request's id.
CREATE TABLE outbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT,  -- never used again: requests carry it, too
    service TEXT NOT NULL,             -- apple | mdm
    scope TEXT NOT NULL,               -- the location's or server's name
    kind TEXT NOT NULL,
    key TEXT NOT NULL,                 -- unique while open
    subject TEXT NOT NULL,             -- what the call is about: an id, or JSON
    state TEXT NOT NULL,               -- ready | held (paused) | claimed | done | failed
    due_at DOUBLE PRECISION NOT NULL,
    tries INTEGER NOT NULL DEFAULT 0,
    created_at DOUBLE PRECISION NOT NULL,
    claimed_at DOUBLE PRECISION,
    claimed_by INTEGER NOT NULL DEFAULT 0,  -- of `engines`; 0: the one that has the lock, alone
    settled_at DOUBLE PRECISION,
    error TEXT,
    passing INTEGER NOT NULL DEFAULT 1, -- whether that error is likely to go away by itself
    CHECK (state IN ('ready', 'held', 'claimed', 'done', 'failed'))
);
CREATE UNIQUE INDEX outbox_open ON outbox (service, scope, kind, key)
    WHERE state IN ('ready', 'held', 'claimed');
CREATE INDEX outbox_next ON outbox (due_at) WHERE state = 'ready';
CREATE INDEX outbox_due ON outbox (service, scope, due_at, id) WHERE state = 'ready';
CREATE INDEX outbox_trouble ON outbox (service, scope, passing, due_at DESC)
    WHERE state = 'ready' AND error IS NOT NULL;
CREATE INDEX outbox_settled ON outbox (settled_at) WHERE settled_at IS NOT NULL;

-- Engines that share the calls (`serve --role engine`, on PostgreSQL only).
CREATE TABLE engines (
    id INTEGER PRIMARY KEY AUTOINCREMENT,  -- never used again: calls carry it
    name TEXT NOT NULL,                -- its process and host, for people
    heard DOUBLE PRECISION NOT NULL,   -- when it last said that it lives, by the server's clock
    leads INTEGER NOT NULL DEFAULT 0   -- whether it took the engine's lock
);

-- What must not leave: see domain/pauses.py.
CREATE TABLE pauses (
    scope TEXT NOT NULL,               -- all | app | location | serial
    name TEXT NOT NULL,                -- empty for all
    since DOUBLE PRECISION NOT NULL,
    paused_by TEXT NOT NULL,           -- person | wave
    why TEXT NOT NULL,
    next_probe_at DOUBLE PRECISION,    -- breaker: when one device is tried, or no more
    probe TEXT,                        -- the serial number of the one that is being tried
    probe_at DOUBLE PRECISION,
    probes INTEGER NOT NULL,           -- how many failed
    PRIMARY KEY (scope, name)
);
CREATE INDEX pauses_probe ON pauses (next_probe_at) WHERE next_probe_at IS NOT NULL;

-- The newest failure of each app on each device; many alike trip the breaker.
CREATE TABLE failures (
    adam_id TEXT NOT NULL,
    serial_number TEXT NOT NULL,
    signature TEXT NOT NULL,
    at DOUBLE PRECISION NOT NULL,
    counts INTEGER NOT NULL,           -- 0: it tripped the breaker before
    PRIMARY KEY (adam_id, serial_number)
);

-- Clock-driven jobs and when they are due next.
CREATE TABLE schedule (
    name TEXT PRIMARY KEY,
    next_at DOUBLE PRECISION NOT NULL
);
CREATE INDEX schedule_next ON schedule (next_at);
