"""Proofs that one signal is in the backup of its day, which anybody can verify offline.

Not here: the Merkle trees (``signals``), time stamps (``integrity.anchors``).

- ``prove`` makes a ``Proof``, ``proof_file`` is its format, ``verify_proof`` verifies it, as a ``ProofReport``.
"""
