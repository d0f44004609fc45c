"""What devices are and say. Pure."""
