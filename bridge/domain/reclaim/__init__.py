"""Giving licences back that are of no use any more, and keeping them where that is not certain."""
