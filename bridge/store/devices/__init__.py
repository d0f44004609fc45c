"""Devices as they describe themselves, and what became of their answers."""
