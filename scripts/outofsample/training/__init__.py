"""Training of networks: the loop, what it optimises, and where a run leaves its traces."""
