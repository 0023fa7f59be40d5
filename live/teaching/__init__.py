"""Teaching: clips collected from cameras, corrections of events, and training on them."""
