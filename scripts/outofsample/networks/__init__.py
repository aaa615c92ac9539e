"""Networks (torch modules), without any knowledge of tasks or files."""
