"""Families of methods, and the interface of all."""
