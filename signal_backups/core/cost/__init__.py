"""What storing the backups costs: prices, what is stored, what S3 bills for it, how that grows, and the quota.

Nothing here imports Dagster or the terminal.
"""
