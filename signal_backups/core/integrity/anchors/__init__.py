"""Anchors: tree heads of the logs, stored where somebody who can rewrite the bucket cannot change them.

Not here: whether a log is consistent in itself (``integrity.log``).

- ``tree_head``: the ``TreeHead`` of both logs and its exact bytes. ``current_tree_head``: the one of this moment.
- ``timestamp_authority``: RFC 3161 time stamps. ``anchors``: writing and reading anchors.
- ``examine_anchors``: compares the logs with their anchors. ``anchoring``: makes one anchor from start to end.
- ``destinations``: where anchors are kept besides the bucket itself.
"""
