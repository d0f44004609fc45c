"""Apple's App and Book Management API: the calls, and what its replies mean."""
