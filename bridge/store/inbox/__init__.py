"""What arrives, stored by the hooks alone, until the engine has taken it into the database."""
