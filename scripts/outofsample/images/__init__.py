"""Images: as arrays, drawn, and measured."""
