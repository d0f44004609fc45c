"""Alerts, and what each receiver has been told of them."""
