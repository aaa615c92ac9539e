"""What readers of a user's own files share."""
