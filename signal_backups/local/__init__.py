"""Trying it out on one machine: sample signals, the demo, the development server.

What belongs here: what ``make demo`` and ``make dev`` run. What does not: anything production needs.
"""
