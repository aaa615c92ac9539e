rule choose_settings:
    input:
        scores=lambda wildcards: PATHS.scores(STUDY.tuning.task),
        code=PLAN.code("choose_settings.py"),
    output:
        csv=report(PATHS.tuning("csv"), category="Tables", labels={"table": "chosen", "format": "CSV"}),
        md=PATHS.tuning("md"),
        # A study that others extend.
        yaml=PATHS.tuning("yaml"),
    log:
        PATHS.log("choose_settings"),
    benchmark:
        PATHS.benchmark("choose_settings")
    localrule: True
    conda:
        "../envs/python.yaml"
    resources:
        mem_mb=1000,
        runtime=10,
        gpu=0,
    params:
        spec=lambda wildcards: SHOWN.tuning_spec(os.path.relpath(workflow.configfiles[0], workflow.basedir)).to_json(),
    shell:
        "python scripts/choose_settings.py --spec - --scores={input.scores:q} --output-csv={output.csv:q} "
        "--output-md={output.md:q} --output-yaml={output.yaml:q} >{log:q} 2>&1 <<<{params.spec:q}"
