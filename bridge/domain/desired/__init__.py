"""The desired state: who shall have which app, and what a change of it means. Pure."""
