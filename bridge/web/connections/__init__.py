"""Connections of peers, before and after their requests have a thread.

gunicorn's threaded worker reads a request in the thread that answers it, so that eight peers that
stop in the middle of one take all eight threads. Here the worker's main loop reads, without
waiting; a thread gets what is whole, and never waits for a peer.
"""
