-- What PostgreSQL runs by itself, in its words: the triggers of ../m001_counts.sql
-- and of ../m001_metrics.sql, a function.

CREATE FUNCTION licences_held_count() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        UPDATE licences_held SET held = held - 1, ours = ours - OLD.ours
        WHERE location = OLD.location AND adam_id = OLD.adam_id
        AND pricing_param = OLD.pricing_param;
    ELSE
        UPDATE licences_held SET ours = ours + NEW.ours - OLD.ours
        WHERE location = NEW.location AND adam_id = NEW.adam_id
        AND pricing_param = NEW.pricing_param;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER licences_held_taken AFTER DELETE ON assignments
    FOR EACH ROW EXECUTE FUNCTION licences_held_count();
CREATE TRIGGER licences_held_asked AFTER UPDATE OF ours ON assignments
    FOR EACH ROW WHEN (NEW.ours <> OLD.ours) EXECUTE FUNCTION licences_held_count();

-- Where a text stands in another one, counted from 1; 0: nowhere. SQLite has it by this name.
CREATE FUNCTION instr(whole text, part text) RETURNS integer LANGUAGE sql IMMUTABLE
    RETURN strpos(whole, part);

-- What a step changes is noted where it is asked for (store/dry_run.py): triggers that were made for
-- one step would wait for everybody who reads.
CREATE FUNCTION vpp_bridge_note() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO pg_temp.touched (name, was)
    VALUES (TG_TABLE_NAME, to_jsonb(CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END));
    RETURN NULL;
END $$;
DO $$
DECLARE
    watched text;
BEGIN
    FOREACH watched IN ARRAY ARRAY['devices', 'app_reports', 'declared_apps', 'apps', 'installs', 'commands',
        'locations', 'assets', 'assignments', 'apple_requests', 'request_pairs', 'outbox']
    LOOP
        EXECUTE format('CREATE TRIGGER vpp_bridge_watch AFTER INSERT OR UPDATE OR DELETE ON %I '
            'FOR EACH ROW WHEN (current_setting(''vpp_bridge.watching'', true) = ''on'') '
            'EXECUTE FUNCTION vpp_bridge_note()', watched);
    END LOOP;
END $$;

-- The triggers of ../m001_metrics.sql.
CREATE FUNCTION measured_add(name text, scope text, kind text, result text, le double precision,
    seconds double precision) RETURNS void LANGUAGE sql AS $$
    INSERT INTO measured (name, scope, kind, result, le, count, total) VALUES ($1, $2, $3, $4, $5, 1, $6)
    ON CONFLICT (name, scope, kind, result, le) DO UPDATE
    SET count = measured.count + 1, total = measured.total + excluded.total;
$$;
CREATE FUNCTION measured_bucket(seconds double precision, bounds double precision[])
    RETURNS double precision LANGUAGE sql IMMUTABLE
    RETURN (SELECT coalesce(min(bound), 1000000000) FROM unnest(bounds) AS bound WHERE seconds <= bound);

CREATE FUNCTION measured_event() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM measured_add('events', NEW.origin, NEW.source, NEW.status, 0, 0);
    RETURN NULL;
END $$;
CREATE TRIGGER measured_event AFTER INSERT ON events
    FOR EACH ROW WHEN (NEW.status <> 'new') EXECUTE FUNCTION measured_event();
CREATE TRIGGER measured_late_event AFTER UPDATE OF status ON events
    FOR EACH ROW WHEN (OLD.status = 'new' AND NEW.status <> 'new') EXECUTE FUNCTION measured_event();

CREATE FUNCTION measured_call() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    place text := NEW.service || ':' || NEW.scope;
    seconds double precision := NEW.settled_at - OLD.claimed_at;
BEGIN
    IF NEW.state = 'ready' THEN
        PERFORM measured_add('calls', place, NEW.kind, 'again', 0, 0);
    ELSE
        PERFORM measured_add('calls', place, NEW.kind, NEW.state,
            measured_bucket(seconds, ARRAY[0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 120]),
            greatest(seconds, 0));
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER measured_call AFTER UPDATE OF state ON outbox
    FOR EACH ROW WHEN (OLD.state = 'claimed' AND NEW.state IN ('done', 'failed'))
    EXECUTE FUNCTION measured_call();
CREATE TRIGGER measured_call_again AFTER UPDATE OF state ON outbox
    FOR EACH ROW WHEN (OLD.state = 'claimed' AND NEW.state = 'ready' AND NEW.error IS NOT NULL)
    EXECUTE FUNCTION measured_call();
