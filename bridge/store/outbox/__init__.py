"""Outside calls as they are intended, made and settled."""
