"""What people are told of their own accord: which alerts fire, and who is told."""
