-- What is counted as it changes, since counting it anew reads a whole fleet.

-- Of each asset the licences in use: all, and those with an install of ours that gets them there.
CREATE TABLE licences_held (
    location TEXT NOT NULL,
    adam_id TEXT NOT NULL,
    pricing_param TEXT NOT NULL,
    held INTEGER NOT NULL,
    ours INTEGER NOT NULL,
    PRIMARY KEY (location, adam_id, pricing_param)
) WITHOUT ROWID;

CREATE TRIGGER licences_held_given AFTER INSERT ON assignments BEGIN
    INSERT INTO licences_held (location, adam_id, pricing_param, held, ours)
    VALUES (NEW.location, NEW.adam_id, NEW.pricing_param, 1, EXISTS (
        SELECT 1 FROM installs i WHERE i.target_kind = NEW.target_kind AND i.target = NEW.target
        AND i.adam_id = NEW.adam_id AND i.pricing_param = NEW.pricing_param
        AND i.location = NEW.location))
    ON CONFLICT (location, adam_id, pricing_param) DO UPDATE
    SET held = licences_held.held + 1, ours = licences_held.ours + excluded.ours;
END;
CREATE TRIGGER licences_held_taken AFTER DELETE ON assignments BEGIN
    UPDATE licences_held SET held = held - 1, ours = ours - EXISTS (
        SELECT 1 FROM installs i WHERE i.target_kind = OLD.target_kind AND i.target = OLD.target
        AND i.adam_id = OLD.adam_id AND i.pricing_param = OLD.pricing_param
        AND i.location = OLD.location)
    WHERE location = OLD.location AND adam_id = OLD.adam_id AND pricing_param = OLD.pricing_param;
END;
CREATE TRIGGER licences_held_wanted AFTER INSERT ON installs BEGIN
    UPDATE licences_held SET ours = ours + 1
    WHERE location = NEW.location AND adam_id = NEW.adam_id AND pricing_param = NEW.pricing_param
    AND EXISTS (
        SELECT 1 FROM assignments a WHERE a.location = NEW.location AND a.adam_id = NEW.adam_id
        AND a.pricing_param = NEW.pricing_param AND a.target_kind = NEW.target_kind
        AND a.target = NEW.target);
END;
CREATE TRIGGER licences_held_forgotten AFTER DELETE ON installs BEGIN
    UPDATE licences_held SET ours = ours - 1
    WHERE location = OLD.location AND adam_id = OLD.adam_id AND pricing_param = OLD.pricing_param
    AND EXISTS (
        SELECT 1 FROM assignments a WHERE a.location = OLD.location AND a.adam_id = OLD.adam_id
        AND a.pricing_param = OLD.pricing_param AND a.target_kind = OLD.target_kind
        AND a.target = OLD.target);
END;
CREATE TRIGGER licences_held_moved AFTER UPDATE OF location, pricing_param ON installs
WHEN NEW.location <> OLD.location OR NEW.pricing_param <> OLD.pricing_param BEGIN
    UPDATE licences_held SET ours = ours - 1
    WHERE location = OLD.location AND adam_id = OLD.adam_id AND pricing_param = OLD.pricing_param
    AND EXISTS (
        SELECT 1 FROM assignments a WHERE a.location = OLD.location AND a.adam_id = OLD.adam_id
        AND a.pricing_param = OLD.pricing_param AND a.target_kind = OLD.target_kind
        AND a.target = OLD.target);
    UPDATE licences_held SET ours = ours + 1
    WHERE location = NEW.location AND adam_id = NEW.adam_id AND pricing_param = NEW.pricing_param
    AND EXISTS (
        SELECT 1 FROM assignments a WHERE a.location = NEW.location AND a.adam_id = NEW.adam_id
        AND a.pricing_param = NEW.pricing_param AND a.target_kind = NEW.target_kind
        AND a.target = NEW.target);
END;
