"""Alerts: what is wrong, whether people have been told, and telling them.

What belongs here: conditions, the state between two looks, texts, channels. What does not: looking (``watch``, and
``orchestration`` for what Dagster knows).
"""
