"""File formats: one module per format, whose docstring is the contract; nothing else opens these files."""
