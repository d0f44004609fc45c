"""New versions of apps: learnt, begun device by device, and in rings."""
