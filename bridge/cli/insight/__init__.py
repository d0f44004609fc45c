"""Commands that explain: how everything stands, why, and what to mend."""
