"""From what changed to decisions, and what holds many of them up at once."""
