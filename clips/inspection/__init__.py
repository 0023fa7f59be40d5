"""Inspection of prepared clips: copies, scenes, groups that they suggest, and the report."""
