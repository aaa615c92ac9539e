rule write_back:
    input:
        prediction=f"{RESULTS}/predictions/{{task}}/{{method}}.h5ad",
        train=f"{RESULTS}/tasks/{{task}}/train.h5ad",
        files=lambda wildcards: raw_paths(STUDY.tasks[wildcards.task].dataset),
        code=code("write_back.py"),
    output:
        # A folder per query in it; which files it holds is known when the data are read.
        folder=directory(f"{RESULTS}/own/{{task}}/{{method}}"),
    log:
        log_file("write_back", "{task}", "{method}"),
    benchmark:
        benchmark_file("write_back", "{task}", "{method}")
    wildcard_constraints:
        method=own_method_names(),
    conda:
        "../envs/python.yaml"
    resources:
        mem_mb=8000,
        runtime=30,
        gpu=0,
    params:
        settings=lambda wildcards: dataset_settings(STUDY.tasks[wildcards.task].dataset),
    shell:
        "python scripts/write_back.py --prediction {input.prediction:q} --train {input.train:q} "
        "--settings={params.settings:q} --files {input.files:q} --folder {output.folder:q} >{log:q} 2>&1"


rule summarise_changes:
    input:
        prediction=f"{RESULTS}/predictions/{{task}}/{{method}}.h5ad",
        train=f"{RESULTS}/tasks/{{task}}/train.h5ad",
        truth=f"{RESULTS}/tasks/{{task}}/truth.h5ad",
        scores=f"{RESULTS}/scores/{{task}}.csv",
        template="report/own_changes.html.j2",
        code=code("summarise_changes.py"),
    output:
        html=report(
            f"{RESULTS}/own/{{task}}/{{method}}_changes.html",
            category="Your own data",
            caption="../report/own_changes.rst",
            labels={"task": "{task}", "method": "{method}"},
        ),
        csv=f"{RESULTS}/own/{{task}}/{{method}}_changes.csv",
    log:
        log_file("summarise_changes", "{task}", "{method}"),
    benchmark:
        benchmark_file("summarise_changes", "{task}", "{method}")
    wildcard_constraints:
        method=own_method_names(),
    conda:
        "../envs/notebooks.yaml"
    resources:
        mem_mb=lambda wildcards, attempt: 4000 * attempt,
        runtime=lambda wildcards, attempt: 20 * attempt,
        gpu=0,
    params:
        page=lambda wildcards: changes_json(wildcards.task, wildcards.method),
    shell:
        "python scripts/summarise_changes.py --prediction {input.prediction:q} --train {input.train:q} "
        "--truth {input.truth:q} --scores {input.scores:q} --page={params.page:q} --template {input.template:q} "
        "--html {output.html:q} --csv {output.csv:q} >{log:q} 2>&1"
