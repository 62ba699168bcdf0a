"""Damage to a stored day on a real S3 server, what every command then says, and the page that lists it."""
