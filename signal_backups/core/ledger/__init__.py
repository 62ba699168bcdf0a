"""The audit trail and the chain of manifests: numbered objects, each with the hash of the one before.

What belongs here: appending, reading and examining them. What does not: Merkle trees and proofs (``proof``), what the
auditor is given (``bundle``).
"""
