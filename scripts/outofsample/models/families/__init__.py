"""Families of models, and the interface of all."""
