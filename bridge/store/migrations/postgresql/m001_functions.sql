-- What PostgreSQL runs by itself, in its words: the triggers of ../m001_counts.sql, a function.

CREATE FUNCTION licences_held_count() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO licences_held (location, adam_id, pricing_param, held, ours)
        VALUES (NEW.location, NEW.adam_id, NEW.pricing_param, 1, NEW.ours)
        ON CONFLICT (location, adam_id, pricing_param) DO UPDATE
        SET held = licences_held.held + 1, ours = licences_held.ours + excluded.ours;
    ELSIF TG_OP = 'DELETE' THEN
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
CREATE TRIGGER licences_held_given AFTER INSERT OR DELETE ON assignments
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
