"""The project as its users run it: a real ``dagster dev``, a real S3 server, a real browser."""
