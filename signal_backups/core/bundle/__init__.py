"""Bundles: days of backups with all that proves them, in one folder or ZIP, for somebody who trusts nobody here.

What belongs here: fetching what goes in, writing it, checking it with our modules, and the script that checks it
alone.
"""
