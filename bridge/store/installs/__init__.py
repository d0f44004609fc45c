"""Installs: what was decided for each, and what deciding needs."""
