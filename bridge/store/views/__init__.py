"""What people and programs read, ready for JSON."""
