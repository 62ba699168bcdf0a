"""The project as its users run it: a real ``dagster dev``, a real S3 server, a real browser.

What belongs here: the few ways in which the parts could fail to fit together. What does not: the rules themselves.
"""
