"""What the batch correctors share: checks before and after (`checks`), and the embedded R session (`r`)."""
