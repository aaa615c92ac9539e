"""The papers' figures: what a notebook loads, draws and saves. Notebooks call these functions and nothing else."""
