rule correct_batches:
    input:
        train=PATHS.train("{task}"),
        code=lambda wildcards: PLAN.code("correct_batches.py", *PLAN.method_entries([wildcards.method])),
    output:
        prediction=PATHS.prediction("{task}", "{method}"),
    log:
        PATHS.log("correct_batches", "{task}", "{method}"),
    benchmark:
        PATHS.benchmark("correct_batches", "{task}", "{method}")
    wildcard_constraints:
        method=either(PLAN.correctors),
    conda:
        "../envs/r.yaml"
    resources:
        mem_mb=lambda wildcards, attempt: 16000 * attempt,
        runtime=lambda wildcards, attempt: 120 * attempt,
        gpu=0,
    params:
        spec=lambda wildcards: PLAN.correction_spec(wildcards.method).to_json(),
        # Where R is missing the tables say so; when it is there later, the jobs run again.
        r=shutil.which("R") is not None,
    shell:
        "python scripts/correct_batches.py --spec - --train={input.train:q} --output={output.prediction:q} "
        ">{log:q} 2>&1 <<<{params.spec:q}"
