"""The page: live pictures, events, thresholds and teaching in a browser."""
