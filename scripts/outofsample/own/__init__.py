"""Data of your own: read from your files, predictions written back into their format, what changed."""
