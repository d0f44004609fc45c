"""Commands that run something, or keep its file: serve, backup, demonstration, simulation."""
