"""What a job is told: one frozen dataclass per kind of job, made by `outofsample.study.plan`, read by its script."""
