-- What is counted as it changes, since counting it anew reads a whole fleet.

-- Of each asset the licences in use: all, and those that we asked for. Who adds licences counts them, a
-- hundred at a time (store/licences/assignments.py); for what changes one by one there are triggers.
CREATE TABLE licences_held (
    location TEXT NOT NULL,
    adam_id TEXT NOT NULL,
    pricing_param TEXT NOT NULL,
    held INTEGER NOT NULL,
    ours INTEGER NOT NULL,
    PRIMARY KEY (location, adam_id, pricing_param),
    CHECK (ours BETWEEN 0 AND held)
) WITHOUT ROWID;

CREATE TRIGGER licences_held_taken AFTER DELETE ON assignments BEGIN
    UPDATE licences_held SET held = held - 1, ours = ours - OLD.ours
    WHERE location = OLD.location AND adam_id = OLD.adam_id AND pricing_param = OLD.pricing_param;
END;
CREATE TRIGGER licences_held_asked AFTER UPDATE OF ours ON assignments
WHEN NEW.ours <> OLD.ours BEGIN
    UPDATE licences_held SET ours = ours + NEW.ours - OLD.ours
    WHERE location = NEW.location AND adam_id = NEW.adam_id AND pricing_param = NEW.pricing_param;
END;

-- How many desired installs were in each state, as last counted in a slot of time: its number is
-- the time since the epoch (UTC) in steps of so many seconds.
CREATE TABLE install_counts (
    step INTEGER NOT NULL,             -- see domain/over_time.py
    slot INTEGER NOT NULL,
    adam_id TEXT NOT NULL,
    state TEXT NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (step, slot, adam_id, state)
);
