"""Tests of the logs' examination, of anchors and of proofs."""
