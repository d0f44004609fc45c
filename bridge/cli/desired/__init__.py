"""Commands about what is desired: plan, apply, and one-off wishes."""
