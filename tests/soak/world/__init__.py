"""Simulated worlds by seed: thirty days of a fleet with everything that befalls it, in seconds."""
