rule write_back:
    input:
        prediction=PATHS.prediction("{task}", "{method}"),
        train=PATHS.train("{task}"),
        files=lambda wildcards: PLAN.raw_files(STUDY.tasks[wildcards.task].dataset),
        code=PLAN.code("write_back.py"),
    output:
        # A folder per query in it; which files it holds is known when the data are read.
        folder=directory(PATHS.own("{task}", "{method}")),
    log:
        PATHS.log("write_back", "{task}", "{method}"),
    benchmark:
        PATHS.benchmark("write_back", "{task}", "{method}")
    wildcard_constraints:
        method=either(PLAN.methods),
    conda:
        "../envs/python.yaml"
    resources:
        mem_mb=8000,
        runtime=30,
        gpu=0,
    params:
        spec=lambda wildcards: SHOWN.write_back_spec(wildcards.task).to_json(),
    shell:
        "python scripts/write_back.py --spec - --prediction={input.prediction:q} --train={input.train:q} "
        "--files {input.files:q} --folder={output.folder:q} >{log:q} 2>&1 <<<{params.spec:q}"


rule summarise_changes:
    input:
        prediction=PATHS.prediction("{task}", "{method}"),
        train=PATHS.train("{task}"),
        truth=PATHS.truth("{task}"),
        scores=PATHS.scores("{task}"),
        predictions=lambda wildcards: PLAN.predictions(wildcards.task),
        template="scripts/outofsample/own/page.html.j2",
        code=PLAN.code("summarise_changes.py"),
    output:
        html=report(
            PATHS.changes("{task}", "{method}", "html"),
            category="Your own data",
            caption="../report/own_changes.rst",
            labels={"task": "{task}", "method": "{method}"},
        ),
        csv=PATHS.changes("{task}", "{method}", "csv"),
    log:
        PATHS.log("summarise_changes", "{task}", "{method}"),
    benchmark:
        PATHS.benchmark("summarise_changes", "{task}", "{method}")
    wildcard_constraints:
        method=either(PLAN.methods),
    conda:
        "../envs/notebooks.yaml"
    resources:
        mem_mb=lambda wildcards, attempt: 4000 * attempt,
        runtime=lambda wildcards, attempt: 20 * attempt,
        gpu=0,
    params:
        spec=lambda wildcards: SHOWN.changes_spec(wildcards.task, wildcards.method).to_json(),
    shell:
        "python scripts/summarise_changes.py --spec - --prediction={input.prediction:q} --train={input.train:q} "
        "--truth={input.truth:q} --scores={input.scores:q} --predictions {input.predictions:q} "
        "--template={input.template:q} --html={output.html:q} --csv={output.csv:q} >{log:q} 2>&1 <<<{params.spec:q}"
