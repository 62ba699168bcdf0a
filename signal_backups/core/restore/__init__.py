"""Restore: choosing the right version of each day, proving it, importing it whole, proving what arrived.

``selection`` says which version, ``fetching`` downloads and verifies it, a target (``sqlite``, ``postgres``,
``csv_folder``) imports it, ``restoring`` runs the days. Archived objects are ``archive``'s.
"""
