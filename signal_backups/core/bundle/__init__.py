"""Bundles: days of backups with all that proves them, in one folder or ZIP, for an auditor who trusts nobody here.

Here are the format (``content``), collecting from the store (``fetch``), writing (``write``, ``page``) and checking:
``standalone_verifier`` goes into every bundle and runs alone, ``check`` runs it and adds ZIPs and the signatures of
time stamps. Proofs of single signals are not here (``integrity.proof``), nor are the logs and anchors themselves
(``ledger``, ``integrity``).

Public: ``fetch.bundle_content``, ``write.write_bundle``, ``write.require_free``, ``check.check_bundle``,
``report.BundleReport``.
"""
