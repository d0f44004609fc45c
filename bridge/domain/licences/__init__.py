"""How licences are asked for, shared out and foreseen. Pure."""
