rule correct_batches:
    input:
        train=f"{RESULTS}/tasks/{{task}}/train.h5ad",
        code=lambda wildcards: code("correct_batches.py", *method_entries([wildcards.method])),
    output:
        prediction=f"{RESULTS}/predictions/{{task}}/{{method}}.h5ad",
    log:
        log_file("correct_batches", "{task}", "{method}"),
    benchmark:
        benchmark_file("correct_batches", "{task}", "{method}")
    wildcard_constraints:
        method="|".join(CORRECTORS) or "none",
    conda:
        "../envs/r.yaml"
    resources:
        mem_mb=lambda wildcards, attempt: 16000 * attempt,
        runtime=lambda wildcards, attempt: 120 * attempt,
        gpu=0,
    params:
        uses=lambda wildcards: SPECS[wildcards.method]["uses"],
        settings=lambda wildcards: json.dumps(SPECS[wildcards.method]["settings"]),
        in_sample_cells=STUDY.in_sample_cells,
        # Where R is missing the tables say so; when it is there later, the jobs run again.
        r=shutil.which("R") is not None,
    shell:
        "python scripts/correct_batches.py --train {input.train:q} --method={wildcards.method:q} "
        "--uses={params.uses:q} --settings={params.settings:q} --in-sample-cells={params.in_sample_cells:q} "
        "--output {output.prediction:q} >{log:q} 2>&1"
