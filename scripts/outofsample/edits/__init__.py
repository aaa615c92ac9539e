"""Edits: how the activations of a query are moved, a file per edit."""
