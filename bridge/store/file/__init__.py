"""The database as a file: how it is opened, locked, copied and found sound."""
