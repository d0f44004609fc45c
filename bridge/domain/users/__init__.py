"""Users registered at Apple: who is wanted, what is asked for, what is so. Pure."""
