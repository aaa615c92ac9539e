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
        spec=lambda wildcards: SHOWN.write_back_spec(wildcards.task, wildcards.method).to_json(),
    shell:
        "python scripts/write_back.py --spec - --prediction={input.prediction:q} --train={input.train:q} "
        "--folder={output.folder:q} >{log:q} 2>&1 <<<{params.spec:q}"


# The files of a cohort: the methods on one model predict all their cells. A job, also on a cluster, has several files.
# Methods that R fitted need no R here.
rule predict_files:
    input:
        fitted=lambda wildcards: PLAN.cohorts.fitted(wildcards.task, wildcards.group),
        train=PATHS.train("{task}"),
        files=lambda wildcards: PLAN.cohorts.copies(wildcards.task, wildcards.job),
        code=lambda wildcards: PLAN.code(
            "predict_files.py",
            *PLAN.model_entries(wildcards.group),
            *PLAN.method_entries(PLAN.cohorts.by_group[wildcards.group]),
        ),
    output:
        # The files themselves stand in own/TASK/METHOD/QUERY, under names that are their user's.
        numbers=PATHS.handed_back("{task}", "{group}", "{job}"),
    log:
        PATHS.log("predict_files", "{task}", "{group}_{job}"),
    benchmark:
        PATHS.benchmark("predict_files", "{task}", "{group}_{job}")
    wildcard_constraints:
        group=either(PLAN.cohorts.by_group),
    conda:
        "../envs/python.yaml"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: 4000 * attempt,
        runtime=lambda wildcards, attempt: 60 * attempt,
        gpu=0,
    params:
        spec=lambda wildcards: PLAN.cohorts.files_spec(wildcards.task, wildcards.group, wildcards.job).to_json(),
    # 3 is the terminal: how far the study is.
    shell:
        "python scripts/predict_files.py --spec - --fitted={input.fitted:q} --train={input.train:q} "
        "--threads {threads} --terminal 3 --output={output.numbers:q} 3>&2 >{log:q} 2>&1 <<<{params.spec:q}"


rule join_files:
    input:
        train=PATHS.train("{task}"),
        numbers=lambda wildcards: PLAN.cohorts.join_spec(wildcards.task, wildcards.method).parts,
        code=PLAN.code("join_files.py"),
    output:
        table=PATHS.files_table("{task}", "{method}"),
    log:
        PATHS.log("join_files", "{task}", "{method}"),
    benchmark:
        PATHS.benchmark("join_files", "{task}", "{method}")
    wildcard_constraints:
        method=either(PLAN.methods),
    conda:
        "../envs/python.yaml"
    resources:
        mem_mb=2000,
        runtime=30,
        gpu=0,
    params:
        spec=lambda wildcards: PLAN.cohorts.join_spec(wildcards.task, wildcards.method).to_json(),
    shell:
        "python scripts/join_files.py --spec - --train={input.train:q} --output={output.table:q} "
        ">{log:q} 2>&1 <<<{params.spec:q}"


rule summarise_changes:
    input:
        # What is joined must be there before the page tells of it.
        files=lambda wildcards: SHOWN.files_table(wildcards.task, wildcards.method),
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
