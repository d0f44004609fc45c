"""How an app is installed: its settings, and who tries it first. Pure."""
