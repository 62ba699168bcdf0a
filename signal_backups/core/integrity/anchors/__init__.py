"""Anchors: tree heads of the logs, stored where somebody who rewrites the bucket cannot reach them.

Not here: whether a log is consistent in itself (``integrity.log``).

- ``tree_head``: the ``TreeHead`` of both logs and its exact bytes. ``heads``: reading the present one.
- ``timestamp_authority``: time stamps of RFC 3161. ``anchors``: writing and reading anchors.
- ``examine_anchors``: what an anchor contradicts, and what confirms it. ``anchoring``: one anchor, start to end.
"""
