"""What inbound messages say, kept as observations: idempotent, and in whatever order they come."""
