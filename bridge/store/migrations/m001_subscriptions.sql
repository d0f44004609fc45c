-- Subscriptions that locations have: users hold them, and each period has an end. They are only
-- looked at; empty where nobody told yet.

CREATE TABLE subscriptions (
    location TEXT NOT NULL,
    adam_id TEXT NOT NULL,
    parent_adam_id TEXT,               -- the app that it belongs to; Apple may leave it out
    status TEXT,                       -- ACTIVE | INACTIVE | PAUSED, as Apple has it
    period_ends_on TEXT,               -- a day, YYYY-MM-DD
    assigned_renewing INTEGER,
    assigned_expiring INTEGER,
    available_renewing INTEGER,
    available_expiring INTEGER,
    total_renewing INTEGER,
    total_expiring INTEGER,
    counted_at DOUBLE PRECISION,       -- read, or told by a SUBSCRIPTION_COUNT
    read_at DOUBLE PRECISION,          -- when a full read showed it last
    PRIMARY KEY (location, adam_id)
);

CREATE TABLE subscription_assignments (
    location TEXT NOT NULL,
    adam_id TEXT NOT NULL,
    client_user_id TEXT NOT NULL,
    state TEXT NOT NULL,               -- see domain/licences/subscriptions.py
    since DOUBLE PRECISION NOT NULL,   -- when it came to that state, as far as is known
    told_at DOUBLE PRECISION NOT NULL,  -- the newest word of it
    told_by TEXT NOT NULL,             -- notification | read
    error_number INTEGER,              -- of the newest request that Apple refused
    PRIMARY KEY (location, adam_id, client_user_id)
);
CREATE INDEX subscription_assignments_over ON subscription_assignments (since)
    WHERE state IN ('ended', 'failed');
