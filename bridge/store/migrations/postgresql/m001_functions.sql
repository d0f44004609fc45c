-- What PostgreSQL runs by itself, in its words: the triggers of ../m001_counts.sql, a function.

CREATE FUNCTION licences_held_assigned() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO licences_held (location, adam_id, pricing_param, held, ours)
        SELECT NEW.location, NEW.adam_id, NEW.pricing_param, 1, count(*)
        FROM installs i WHERE i.target_kind = NEW.target_kind AND i.target = NEW.target
        AND i.adam_id = NEW.adam_id AND i.pricing_param = NEW.pricing_param
        AND i.location = NEW.location
        ON CONFLICT (location, adam_id, pricing_param) DO UPDATE
        SET held = licences_held.held + 1, ours = licences_held.ours + excluded.ours;
    ELSE
        UPDATE licences_held SET held = held - 1, ours = ours - (
            SELECT count(*) FROM installs i WHERE i.target_kind = OLD.target_kind
            AND i.target = OLD.target AND i.adam_id = OLD.adam_id
            AND i.pricing_param = OLD.pricing_param AND i.location = OLD.location)
        WHERE location = OLD.location AND adam_id = OLD.adam_id
        AND pricing_param = OLD.pricing_param;
    END IF;
    RETURN NULL;
END $$;
CREATE FUNCTION licences_held_wished() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        UPDATE licences_held SET ours = ours - 1
        WHERE location = OLD.location AND adam_id = OLD.adam_id
        AND pricing_param = OLD.pricing_param AND EXISTS (
            SELECT 1 FROM assignments a WHERE a.location = OLD.location
            AND a.adam_id = OLD.adam_id AND a.pricing_param = OLD.pricing_param
            AND a.target_kind = OLD.target_kind AND a.target = OLD.target);
    END IF;
    IF TG_OP <> 'DELETE' THEN
        UPDATE licences_held SET ours = ours + 1
        WHERE location = NEW.location AND adam_id = NEW.adam_id
        AND pricing_param = NEW.pricing_param AND EXISTS (
            SELECT 1 FROM assignments a WHERE a.location = NEW.location
            AND a.adam_id = NEW.adam_id AND a.pricing_param = NEW.pricing_param
            AND a.target_kind = NEW.target_kind AND a.target = NEW.target);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER licences_held_given AFTER INSERT OR DELETE ON assignments
    FOR EACH ROW EXECUTE FUNCTION licences_held_assigned();
CREATE TRIGGER licences_held_wanted AFTER INSERT OR DELETE ON installs
    FOR EACH ROW EXECUTE FUNCTION licences_held_wished();
CREATE TRIGGER licences_held_moved AFTER UPDATE OF location, pricing_param ON installs
    FOR EACH ROW
    WHEN (NEW.location <> OLD.location OR NEW.pricing_param <> OLD.pricing_param)
    EXECUTE FUNCTION licences_held_wished();

-- Where a text stands in another one, counted from 1; 0: nowhere. SQLite has it by this name.
CREATE FUNCTION instr(whole text, part text) RETURNS integer LANGUAGE sql IMMUTABLE
    RETURN strpos(whole, part);
