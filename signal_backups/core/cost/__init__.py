"""What storing the backups costs: what is stored, what S3 bills for it, how that grows, and the quota.

Not here: the prices themselves and what lifecycle rules do to an object (``s3``).

- ``inventory``: what is stored. ``billing``: what S3 bills for it. ``quota``: how much of the quota is used.
- ``forecast``: the cost of the coming years. ``break_even``: the size from which transitions pay.
- ``report``: ``cost_report`` returns all of it. ``chart`` draws it.
"""
