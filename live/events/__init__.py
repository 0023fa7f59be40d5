"""The database of events, queued messages, corrections and settings; retention of recordings."""
