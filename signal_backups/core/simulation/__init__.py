"""What lifecycle rules and locks do to years of backups, played without a store.

Nothing here asks S3 or the clock.
"""
