"""The rules of a signal backup, free of any orchestrator.

What belongs here: anything that decides what a backup is, how it is stored, and whether it is good.
What does not: Dagster, terminal output, reading of command line arguments.
"""
