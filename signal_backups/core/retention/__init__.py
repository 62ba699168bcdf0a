"""Retention: how long the bucket keeps which object, in which storage class, under which lock, and whether it does.

Nothing here imports Dagster or the terminal.
"""
