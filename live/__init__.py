"""Live prediction: sources to decisions, overlay, and outputs."""
