"""Conditions that Dagster's instance shows.

What belongs here: reading runs, checks, schedules and sensors, and saying what is wrong with them. What does not:
conditions that S3 shows (``core.alerts.stored``), telling people (``orchestration.alerting``).
"""
