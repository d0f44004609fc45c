"""Licences: locations, who holds what, and what was asked of Apple."""
