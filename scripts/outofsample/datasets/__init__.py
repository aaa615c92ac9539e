"""Datasets: raw files and how they become one AnnData. One file is one dataset (`outofsample.registry` finds them)."""
