"""Servers this project can bring along itself, so that it runs on a laptop without any account.

What belongs here: starting, finding, sharing and stopping them. What does not: talking S3 (``core.store``) or deciding
whether an embedded server is wanted (``core.settings``).
"""
