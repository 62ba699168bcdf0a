"""Tests of the audit trail and the chain of manifests."""
