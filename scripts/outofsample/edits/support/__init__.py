"""What the edits share: their interface, percentiles, and loops that are compiled."""
