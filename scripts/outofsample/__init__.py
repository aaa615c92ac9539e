"""Out-of-sample extrapolation: what would population B look like after the change seen in population A?

The package is imported from ``scripts/`` by every job of the pipeline, and can be installed with pip. Importing
it costs nothing: heavy packages are imported where they are used.
"""

__version__ = "0.1.0"
