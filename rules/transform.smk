# One rule per model, since the number of outputs, a file per method on that model, differs between models. A cohort's
# methods are kept, to predict file by file.
for group, cohort in product(PLAN.by_model, (False, True) if PLAN.cohorts.tasks else (False,)):

    rule:
        name:
            f"transform_{group}" + ("_of_cohort" if cohort else "")
        input:
            train=PATHS.train("{task}"),
            fitted=lambda wildcards, group=group: PLAN.fitted_files(wildcards.task, group),
            code=PLAN.code("transform_query.py", *PLAN.model_entries(group), *PLAN.method_entries(PLAN.by_model[group])),
        output:
            predictions=[PATHS.prediction("{task}", method) for method in PLAN.by_model[group]],
            kept=[PATHS.methods("{task}", group)] if cohort else [],
        log:
            PATHS.log("transform_query", "{task}", group),
        benchmark:
            PATHS.benchmark("transform_query", "{task}", group)
        wildcard_constraints:
            task=either([task for task in PLAN.tasks if (task in PLAN.cohorts) == cohort]),
        # On a cluster one job makes all predictions of a task and their scores.
        group:
            "predict_{task}"
        conda:
            "../envs/python.yaml"
        threads: 1
        resources:
            mem_mb=lambda wildcards, attempt: 8000 * attempt,
            runtime=lambda wildcards, attempt: 20 * attempt,
            gpu=0,
        params:
            spec=lambda wildcards, group=group: PLAN.transform_spec(wildcards.task, group).to_json(),
        shell:
            "python scripts/transform_query.py --spec - --train={input.train:q} --fitted {input.fitted:q} "
            "--threads {threads} --outputs {output.predictions:q} --keep {output.kept:q} >{log:q} 2>&1 <<<{params.spec:q}"
