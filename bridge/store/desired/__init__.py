"""The desired state, as the last apply and people beside the file stored it."""
