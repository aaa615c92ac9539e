# Compute nodes often see no internet, so what is fetched is fetched on the submitting host.
localrules:
    fetch_file,


rule fetch_file:
    input:
        code=PLAN.code("fetch_file.py"),
    output:
        file=PATHS.raw("{dataset}", "{file}"),
    log:
        PATHS.log("fetch_file", "{dataset}", "{file}"),
    benchmark:
        PATHS.benchmark("fetch_file", "{dataset}", "{file}")
    conda:
        "../envs/python.yaml"
    resources:
        mem_mb=500,
        runtime=60,
        gpu=0,
    params:
        # The user's own file is named here, not as an input: Snakemake would pass over a file that takes the place of a
        # newer one.
        spec=lambda wildcards: PLAN.fetch_spec(wildcards.dataset, wildcards.file).to_json(),
    shell:
        "python scripts/fetch_file.py --spec - --output={output.file:q} >{log:q} 2>&1 <<<{params.spec:q}"


for name in sorted(PLAN.simulated):

    rule:
        name:
            f"simulate_{name}"
        input:
            code=PLAN.code("simulate_dataset.py", PLAN.dataset_entry(name)),
        output:
            files=PLAN.raw_files(name),
        log:
            PATHS.log("simulate_dataset", name),
        benchmark:
            PATHS.benchmark("simulate_dataset", name)
        localrule: True
        conda:
            "../envs/python.yaml"
        resources:
            mem_mb=2000,
            runtime=10,
            gpu=0,
        params:
            # A function: in plain text Snakemake looks for wildcards.
            spec=lambda wildcards, name=name: PLAN.dataset_spec(name).to_json(),
        shell:
            "python scripts/simulate_dataset.py --spec - --output {output.files:q} >{log:q} 2>&1 <<<{params.spec:q}"


rule preprocess_dataset:
    input:
        files=lambda wildcards: PLAN.raw_files(wildcards.dataset),
        code=lambda wildcards: PLAN.code("preprocess_dataset.py", PLAN.dataset_entry(wildcards.dataset)),
    output:
        dataset=PATHS.dataset("{dataset}"),
    log:
        PATHS.log("preprocess_dataset", "{dataset}"),
    benchmark:
        PATHS.benchmark("preprocess_dataset", "{dataset}")
    # On a cluster one job makes a dataset and splits all its tasks.
    group:
        "prepare"
    conda:
        "../envs/python.yaml"
    resources:
        mem_mb=lambda wildcards, attempt: 8000 * attempt,
        runtime=lambda wildcards, attempt: 30 * attempt,
        gpu=0,
    params:
        spec=lambda wildcards: PLAN.dataset_spec(wildcards.dataset).to_json(),
    shell:
        "python scripts/preprocess_dataset.py --spec - --output={output.dataset:q} " ">{log:q} 2>&1 <<<{params.spec:q}"


rule split_task:
    input:
        dataset=lambda wildcards: PATHS.dataset(STUDY.tasks[wildcards.task].dataset),
        code=PLAN.code("split_task.py"),
    output:
        train=PATHS.train("{task}"),
        truth=PATHS.truth("{task}"),
    log:
        PATHS.log("split_task", "{task}"),
    benchmark:
        PATHS.benchmark("split_task", "{task}")
    group:
        "prepare"
    conda:
        "../envs/python.yaml"
    resources:
        mem_mb=lambda wildcards, attempt: 8000 * attempt,
        runtime=lambda wildcards, attempt: 20 * attempt,
        gpu=0,
    params:
        spec=lambda wildcards: PLAN.split_spec(wildcards.task).to_json(),
    shell:
        "python scripts/split_task.py --spec - --dataset={input.dataset:q} --train={output.train:q} "
        "--truth={output.truth:q} >{log:q} 2>&1 <<<{params.spec:q}"
