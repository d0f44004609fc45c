"""From what is wished for to the desired state of every device."""
