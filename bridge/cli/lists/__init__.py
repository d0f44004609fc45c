"""Commands that list what is stored, and repeat a call or a message of it."""
