"""Keeping the database well: its file, its size, its clock."""
