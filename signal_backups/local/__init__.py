"""Trying it out on one machine: sample signals, the demo, the development server."""
