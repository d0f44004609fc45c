-- Alerts: what is wrong or was, and what each receiver has been told of it. Receivers are known by
-- their host; their addresses are secrets, and stand in no table.

CREATE TABLE alerts (
    alert TEXT NOT NULL,               -- its kind: see domain/alerts/kinds.py
    subject TEXT NOT NULL,             -- what it is about, as a JSON object with sorted keys
    state TEXT NOT NULL,               -- pending | firing | resolved
    since DOUBLE PRECISION NOT NULL,
    sentence TEXT NOT NULL,
    seen_since DOUBLE PRECISION,       -- since when its fault is seen; NULL while it is not
    changes INTEGER NOT NULL,          -- since counted_from
    counted_from DOUBLE PRECISION NOT NULL,
    settles_at DOUBLE PRECISION NOT NULL,  -- nobody is told of the newest change before
    PRIMARY KEY (alert, subject)
);

CREATE TABLE alert_tellings (
    receiver TEXT NOT NULL,            -- its host
    alert TEXT NOT NULL,
    subject TEXT NOT NULL,
    told TEXT,                         -- firing | resolved: what it was told last
    told_since DOUBLE PRECISION,       -- the alert's since, as it was told
    told_at DOUBLE PRECISION,
    sent TEXT,                         -- firing | resolved: what it is being sent
    sent_since DOUBLE PRECISION,       -- the alert's since, as it is sent
    doubts INTEGER NOT NULL DEFAULT 0,  -- how often that was sent of which nobody knows the end
    tried_at DOUBLE PRECISION,
    answer TEXT,                       -- what came of the newest attempt
    PRIMARY KEY (receiver, alert, subject)
);
