"""What the bridge keeps of its own service: who runs, who calls it, what people did."""
