"""What the clips are: finding, checking, grouping, splitting, augmenting them; the manifest."""
