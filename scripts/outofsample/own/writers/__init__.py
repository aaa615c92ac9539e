"""Predictions in the format of a user's own files, one writer per format."""
