"""Tests of ``deploy/``: alert rules, dashboard, example configurations."""
