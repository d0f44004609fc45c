-- What is counted for ever: no retention takes anything of it, so that it only grows. Triggers count
-- as rows are written anyway; confirmed licences, of which a hundred come at once, are counted by who
-- settles them (store/licences/confirmations.py). `le` is the upper bound of a histogram's bucket in seconds, which holds
-- what is above the bound before it; 1e9 stands for all that is longer. `total` is the sum of seconds.
CREATE TABLE measured (
    name TEXT NOT NULL,                -- events | calls | confirmations
    scope TEXT NOT NULL,               -- a location's or server's name
    kind TEXT NOT NULL,
    result TEXT NOT NULL,
    le DOUBLE PRECISION NOT NULL,
    count INTEGER NOT NULL,
    total DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (name, scope, kind, result, le)
) WITHOUT ROWID;

-- Each message counts once: when it is known what came of it first.
CREATE TRIGGER measured_event AFTER INSERT ON events WHEN NEW.status <> 'new' BEGIN
    INSERT INTO measured (name, scope, kind, result, le, count, total)
    VALUES ('events', NEW.origin, NEW.source, NEW.status, 0, 1, 0)
    ON CONFLICT (name, scope, kind, result, le) DO UPDATE SET count = measured.count + 1;
END;
CREATE TRIGGER measured_late_event AFTER UPDATE OF status ON events
WHEN OLD.status = 'new' AND NEW.status <> 'new' BEGIN
    INSERT INTO measured (name, scope, kind, result, le, count, total)
    VALUES ('events', NEW.origin, NEW.source, NEW.status, 0, 1, 0)
    ON CONFLICT (name, scope, kind, result, le) DO UPDATE SET count = measured.count + 1;
END;

-- A call that was made: done, failed, or to be made again. One that was not begun has no error.
CREATE TRIGGER measured_call AFTER UPDATE OF state ON outbox
WHEN OLD.state = 'claimed' AND NEW.state IN ('done', 'failed') BEGIN
    INSERT INTO measured (name, scope, kind, result, le, count, total)
    VALUES (
        'calls', NEW.service || ':' || NEW.scope, NEW.kind, NEW.state,
        CASE
            WHEN NEW.settled_at - OLD.claimed_at <= 0.05 THEN 0.05
            WHEN NEW.settled_at - OLD.claimed_at <= 0.1 THEN 0.1
            WHEN NEW.settled_at - OLD.claimed_at <= 0.25 THEN 0.25
            WHEN NEW.settled_at - OLD.claimed_at <= 0.5 THEN 0.5
            WHEN NEW.settled_at - OLD.claimed_at <= 1 THEN 1
            WHEN NEW.settled_at - OLD.claimed_at <= 2.5 THEN 2.5
            WHEN NEW.settled_at - OLD.claimed_at <= 5 THEN 5
            WHEN NEW.settled_at - OLD.claimed_at <= 10 THEN 10
            WHEN NEW.settled_at - OLD.claimed_at <= 30 THEN 30
            WHEN NEW.settled_at - OLD.claimed_at <= 120 THEN 120
            ELSE 1000000000
        END,
        1, CASE WHEN NEW.settled_at > OLD.claimed_at THEN NEW.settled_at - OLD.claimed_at ELSE 0 END
    )
    ON CONFLICT (name, scope, kind, result, le) DO UPDATE
    SET count = measured.count + 1, total = measured.total + excluded.total;
END;
CREATE TRIGGER measured_call_again AFTER UPDATE OF state ON outbox
WHEN OLD.state = 'claimed' AND NEW.state = 'ready' AND NEW.error IS NOT NULL BEGIN
    INSERT INTO measured (name, scope, kind, result, le, count, total)
    VALUES ('calls', NEW.service || ':' || NEW.scope, NEW.kind, 'again', 0, 1, 0)
    ON CONFLICT (name, scope, kind, result, le) DO UPDATE SET count = measured.count + 1;
END;
