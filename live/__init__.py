"""Now to decision: the loop, overlay, recording."""
