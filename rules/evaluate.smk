rule evaluate_task:
    input:
        train=f"{RESULTS}/tasks/{{task}}/train.h5ad",
        truth=f"{RESULTS}/tasks/{{task}}/truth.h5ad",
        predictions=lambda wildcards: [prediction_file(wildcards.task, method) for method in runs(wildcards.task)],
        classifier=lambda wildcards: classifier_file(wildcards.task),
        inception=lambda wildcards: inception_file(wildcards.task),
        code=code("evaluate_task.py"),
    output:
        scores=f"{RESULTS}/scores/{{task}}.csv",
    log:
        log_file("evaluate_task", "{task}"),
    benchmark:
        benchmark_file("evaluate_task", "{task}")
    group:
        "predict_{task}"
    conda:
        "../envs/python.yaml"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: 8000 * attempt,
        runtime=lambda wildcards, attempt: 60 * attempt,
        gpu=0,
    params:
        evaluation=STUDY.evaluation,
        # Arguments, each of which is quoted as a whole.
        networks=lambda wildcards, input: [
            f"--{name}={path}"
            for name, path in (("classifier", input.classifier), ("inception", input.inception))
            if path
        ],
        not_run=lambda wildcards: not_run_json(wildcards.task),
    shell:
        "python scripts/evaluate_task.py --train {input.train:q} --truth {input.truth:q} "
        "--predictions {input.predictions:q} --resamples={params.evaluation.resamples:q} "
        "--oracle-halves={params.evaluation.oracle_halves:q} --max-cells={params.evaluation.max_cells:q} "
        "{params.networks:q} --threads {threads} --not-run={params.not_run:q} --output {output.scores:q} >{log:q} 2>&1"


rule make_table:
    input:
        scores=lambda wildcards: [score_file(task) for task in STUDY.tables[wildcards.table].tasks],
        paper_values="docs/paper_values.csv",
        code=code("make_table.py"),
    output:
        csv=report(
            f"{RESULTS}/tables/{{table}}.csv",
            category="Tables",
            caption="../report/table.rst",
            labels={"table": "{table}", "format": "CSV"},
        ),
        md=f"{RESULTS}/tables/{{table}}.md",
        tex=f"{RESULTS}/tables/{{table}}.tex",
    log:
        log_file("make_table", "{table}"),
    benchmark:
        benchmark_file("make_table", "{table}")
    localrule: True
    conda:
        "../envs/python.yaml"
    resources:
        mem_mb=1000,
        runtime=10,
        gpu=0,
    params:
        spec=lambda wildcards: table_json(wildcards.table),
    shell:
        "python scripts/make_table.py --scores {input.scores:q} --table={wildcards.table:q} --spec={params.spec:q} "
        "--paper-values {input.paper_values:q} --output-csv {output.csv:q} --output-md {output.md:q} "
        "--output-tex {output.tex:q} >{log:q} 2>&1"
