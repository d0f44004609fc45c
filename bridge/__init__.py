"""The bridge between an MDM server and Apple's App and Book Management."""
