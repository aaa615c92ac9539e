rule evaluate_task:
    input:
        train=PATHS.train("{task}"),
        truth=PATHS.truth("{task}"),
        predictions=lambda wildcards: PLAN.predictions(wildcards.task),
        classifier=lambda wildcards: PLAN.classifier_files(wildcards.task),
        inception=lambda wildcards: PLAN.inception_files(wildcards.task),
        code=PLAN.code("evaluate_task.py"),
    output:
        scores=PATHS.scores("{task}"),
    log:
        PATHS.log("evaluate_task", "{task}"),
    benchmark:
        PATHS.benchmark("evaluate_task", "{task}")
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
        spec=lambda wildcards: PLAN.evaluation_spec(wildcards.task).to_json(),
    shell:
        "python scripts/evaluate_task.py --spec - --train={input.train:q} --truth={input.truth:q} "
        "--predictions {input.predictions:q} --classifier {input.classifier:q} --inception {input.inception:q} "
        "--threads {threads} --output={output.scores:q} >{log:q} 2>&1 <<<{params.spec:q}"


rule make_table:
    input:
        scores=lambda wildcards: SHOWN.table_scores(wildcards.table),
        paper_values="docs/paper_values.csv",
        code=PLAN.code("make_table.py"),
    output:
        csv=report(
            PATHS.table("{table}", "csv"),
            category="Tables",
            caption="../report/table.rst",
            labels={"table": "{table}", "format": "CSV"},
        ),
        md=PATHS.table("{table}", "md"),
        tex=PATHS.table("{table}", "tex"),
    log:
        PATHS.log("make_table", "{table}"),
    benchmark:
        PATHS.benchmark("make_table", "{table}")
    localrule: True
    conda:
        "../envs/python.yaml"
    resources:
        mem_mb=1000,
        runtime=10,
        gpu=0,
    params:
        spec=lambda wildcards: SHOWN.table_spec(wildcards.table).to_json(),
        # For the caption.
        stand_in=lambda wildcards: any(SHOWN.table_spec(wildcards.table).stand_in.values()),
    shell:
        "python scripts/make_table.py --spec - --scores {input.scores:q} --paper-values={input.paper_values:q} "
        "--output-csv={output.csv:q} --output-md={output.md:q} --output-tex={output.tex:q} "
        ">{log:q} 2>&1 <<<{params.spec:q}"


rule judge_claims:
    input:
        scores=[PATHS.scores(task) for task in PLAN.tasks],
        histories=PLAN.histories(),
        claims="docs/claims.yaml",
        code=PLAN.code("judge_claims.py"),
    output:
        csv=report(PATHS.claims, category="Tables", labels={"table": "claims", "format": "CSV"}),
    log:
        PATHS.log("judge_claims"),
    benchmark:
        PATHS.benchmark("judge_claims")
    localrule: True
    conda:
        "../envs/python.yaml"
    resources:
        mem_mb=1000,
        runtime=10,
        gpu=0,
    params:
        spec=lambda wildcards: SHOWN.claims_spec().to_json(),
    shell:
        "python scripts/judge_claims.py --spec - --scores {input.scores:q} --histories {input.histories:q} "
        "--claims={input.claims:q} --output={output.csv:q} >{log:q} 2>&1 <<<{params.spec:q}"
