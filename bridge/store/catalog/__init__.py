"""What is known of apps and of what a location owns, whoever has it."""
