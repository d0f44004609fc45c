"""The real `serve` on loopback, beside peers that mean no good; `tools/soak` runs it all."""
