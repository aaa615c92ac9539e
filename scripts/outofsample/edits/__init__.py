"""Edits: how the activations of a query are moved. One file is one edit."""
