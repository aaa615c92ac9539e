rule choose_settings:
    input:
        scores=lambda wildcards: score_file(STUDY.tuning.task),
        code=code("choose_settings.py"),
    output:
        csv=report(f"{RESULTS}/tuning/chosen.csv", category="Tables", labels={"table": "chosen", "format": "CSV"}),
        md=f"{RESULTS}/tuning/chosen.md",
        # A study that others extend.
        yaml=f"{RESULTS}/tuning/chosen.yaml",
    log:
        log_file("choose_settings"),
    benchmark:
        benchmark_file("choose_settings")
    localrule: True
    conda:
        "../envs/python.yaml"
    resources:
        mem_mb=1000,
        runtime=10,
        gpu=0,
    params:
        table=lambda wildcards: table_json("tuning"),
        grids=lambda wildcards: grids_json(),
        extends=lambda wildcards: os.path.relpath(workflow.configfiles[0], workflow.basedir),
    shell:
        "python scripts/choose_settings.py --scores {input.scores:q} --table={params.table:q} "
        "--grids={params.grids:q} --extends={params.extends:q} --output-csv {output.csv:q} "
        "--output-md {output.md:q} --output-yaml {output.yaml:q} >{log:q} 2>&1"
