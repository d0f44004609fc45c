"""Commands on their way to devices: which may go now, and which are followed up."""
