"""A demonstration: the whole road with simulated services around a real bridge."""
