"""New versions of apps: what is newest, how the wish for it is kept, and when a device may go."""
