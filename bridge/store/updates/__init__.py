"""New versions of apps: the newest of each, and what was tried on which device."""
