"""What several datasets share, and their interface."""
