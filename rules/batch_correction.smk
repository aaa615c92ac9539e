# Of a cohort, methods that can correct further cells are kept, to predict file by file. The rules are `correct_batches`,
# `correct_batches_of_cohort` and `correct_batches_of_cohort_kept`; resources are set for each by its name.
for kind, tasks, methods in PLAN.cohorts.corrections:

    rule:
        name:
            f"correct_batches{kind}"
        input:
            train=PATHS.train("{task}"),
            code=lambda wildcards: PLAN.code("correct_batches.py", *PLAN.method_entries([wildcards.method])),
        output:
            prediction=PATHS.prediction("{task}", "{method}"),
            kept=[PATHS.correction("{task}", "none_{method}")] if kind.endswith("_kept") else [],
        log:
            PATHS.log("correct_batches", "{task}", "{method}"),
        benchmark:
            PATHS.benchmark("correct_batches", "{task}", "{method}")
        wildcard_constraints:
            task=either(tasks),
            method=either(methods),
        conda:
            "../envs/r.yaml"
        resources:
            mem_mb=lambda wildcards, attempt: 16000 * attempt,
            runtime=lambda wildcards, attempt: 120 * attempt,
            gpu=0,
        params:
            spec=lambda wildcards: PLAN.correction_spec(wildcards.task, wildcards.method).to_json(),
            # Where R is missing the tables say so; when it is there later, the jobs run again.
            r=shutil.which("R") is not None,
        shell:
            "python scripts/correct_batches.py --spec - --train={input.train:q} --output={output.prediction:q} "
            "--keep {output.kept:q} >{log:q} 2>&1 <<<{params.spec:q}"
