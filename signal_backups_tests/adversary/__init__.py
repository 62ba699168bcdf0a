"""Attacks by an administrator of the bucket, the layer that detects each, and the page that lists them."""
