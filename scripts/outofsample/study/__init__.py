"""A study: its configuration, what is planned from it, and the split of a dataset into tasks."""
