"""Simulated devices: their apps, how they answer, and what they do instead."""
