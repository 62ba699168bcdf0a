"""The tests. They run against real servers on this machine: SeaweedFS for S3, PostgreSQL for the signals."""
