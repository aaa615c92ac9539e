# Our own page; `make report` puts Snakemake's report into it.
rule make_page:
    input:
        scores=[score_file(task) for task in TASKS],
        tables=[table_file(name, "csv") for name in STUDY.selected("tables")],
        figures=[figure_file(name, "png") for name in STUDY.selected("figures")],
        own=[path for path in own_folders() if path.endswith(".html")],
        # Of what is written back the page shows the times.
        written=own_folders(),
        paper_values="docs/paper_values.csv",
        template="scripts/outofsample/report_page.html.j2",
        style="scripts/outofsample/report_page.css",
        code=code("make_page.py"),
    output:
        page=f"{RESULTS}/page.html",
    log:
        log_file("make_page"),
    benchmark:
        benchmark_file("make_page")
    localrule: True
    conda:
        "../envs/notebooks.yaml"
    resources:
        mem_mb=2000,
        runtime=10,
        gpu=0,
    params:
        # A function: in plain text Snakemake looks for wildcards.
        study=lambda wildcards: page_json(),
        benchmarks=f"{RESULTS}/benchmarks",
    shell:
        "python scripts/make_page.py --study={params.study:q} --scores {input.scores:q} --tables {input.tables:q} "
        "--figures {input.figures:q} --own {input.own:q} --benchmarks={params.benchmarks:q} "
        "--paper-values {input.paper_values:q} --output {output.page:q} >{log:q} 2>&1"
