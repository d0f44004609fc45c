"""Apple's App and Book Management API, simulated."""
