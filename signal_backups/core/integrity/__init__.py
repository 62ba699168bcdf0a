"""Proofs: that a signal stood in a backup, checked without trusting us, our bucket or our software."""
