# Our own page; `make report` puts Snakemake's report into it.
rule make_page:
    input:
        scores=[PATHS.scores(task) for task in PLAN.tasks],
        # Of those that could not be had the page says what is missing.
        datasets=[PATHS.dataset(name) for name in PLAN.fetched],
        tables=[PATHS.table(name, "csv") for name in STUDY.selected("tables")],
        figures=[PATHS.figure(name, "png") for name in STUDY.selected("figures")],
        own=SHOWN.own_pages(),
        predictions=SHOWN.own_predictions(),
        histories=PLAN.histories(),
        # Of what is written back, and of the judging of claims, the page shows the times.
        written=SHOWN.own_folders(),
        judged=SHOWN.claims_files(),
        paper_values="docs/paper_values.csv",
        claims="docs/claims.yaml",
        template=sorted(Path("scripts/outofsample/report/template").iterdir()),
        code=PLAN.code("make_page.py"),
    output:
        page=PATHS.page,
    log:
        PATHS.log("make_page"),
    benchmark:
        PATHS.benchmark("make_page")
    localrule: True
    conda:
        "../envs/notebooks.yaml"
    resources:
        mem_mb=2000,
        runtime=10,
        gpu=0,
    params:
        # A function: in plain text Snakemake looks for wildcards.
        spec=lambda wildcards: SHOWN.page_spec().to_json(),
        benchmarks=PATHS.benchmarks,
    shell:
        "python scripts/make_page.py --spec - --scores {input.scores:q} --datasets {input.datasets:q} "
        "--tables {input.tables:q} --figures {input.figures:q} --own {input.own:q} --predictions {input.predictions:q} "
        "--histories {input.histories:q} "
        "--benchmarks={params.benchmarks:q} --paper-values={input.paper_values:q} --claims={input.claims:q} "
        "--output={output.page:q} >{log:q} 2>&1 <<<{params.spec:q}"
