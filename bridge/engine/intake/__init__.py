"""Messages that come in: stored, understood, and passed on."""
