"""What storing the backups costs: what is stored, what S3 bills for it, how that grows, and the quota.

Not here: the prices themselves and what lifecycle rules do to an object (``s3``).

- ``inventory`` counts, ``billing`` multiplies, ``forecast`` and ``break_even`` look ahead, ``quota`` compares.
- ``cost_report`` (``report``) is all of it; ``chart`` draws it.
"""
