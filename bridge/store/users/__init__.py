"""Users registered at Apple: what is wanted of them, what Apple said, and what it was asked."""
