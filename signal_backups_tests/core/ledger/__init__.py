"""Tests of the chained logs and the audit trail."""
