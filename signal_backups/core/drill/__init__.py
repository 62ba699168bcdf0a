"""Restore drills: restoring for real, into a database that is thrown away, and measuring how long all would take.

``choosing`` says which days, ``scratch_database`` where to, ``forecast`` what it means for all, ``drill`` does it.
"""
