"""What tests need around the project: a throw-away PostgreSQL and a network that misbehaves on demand.

What belongs here: servers for tests only. What does not: the embedded S3 server, which users get too.
"""
