"""Files of a user's own, one reader per format; what several share is in ``support/``."""
