"""Users registered at Apple: from what is wished for to what is asked."""
