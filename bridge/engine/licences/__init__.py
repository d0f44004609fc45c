"""What Apple says of licences, locations and tokens, and what follows."""
