"""Who and what keeps stored versions from being deleted: legal holds, longer locks, least-privilege policies."""
