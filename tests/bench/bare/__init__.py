"""The programs that set the limits: the same work with nothing of the bridge's in it."""
