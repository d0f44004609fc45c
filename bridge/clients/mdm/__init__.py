"""MDM servers: what the engine asks of one, and an adapter for each kind."""
