"""Scores: how far a predicted population is from the truth, or its change from the change that was seen.

Everything here takes arrays and needs numpy alone, but for the ranking of genes, which is scanpy's. Cells are rows and
features are columns; a *summary* has one value per feature, and any leading axes (resamples) are kept.
"""
