"""Snapshots: images that somebody wanted to keep, with what was detected in them."""
