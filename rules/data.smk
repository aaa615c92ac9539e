# Compute nodes often see no internet, so what is fetched is fetched on the submitting host.
localrules:
    fetch_file,


rule fetch_file:
    input:
        code=code("fetch_file.py"),
    output:
        file=f"{RESULTS}/raw/{{dataset}}/{{file}}",
    log:
        log_file("fetch_file", "{dataset}", "{file}"),
    benchmark:
        benchmark_file("fetch_file", "{dataset}", "{file}")
    conda:
        "../envs/python.yaml"
    resources:
        mem_mb=500,
        runtime=60,
        gpu=0,
    params:
        name=lambda wildcards: raw_file(wildcards.dataset, wildcards.file).name,
        local=lambda wildcards: local_file(wildcards.dataset, wildcards.file),
        # Not an input: Snakemake would pass over a file that takes the place of a newer one.
        state=lambda wildcards: state_of_local(wildcards.dataset, wildcards.file),
        sha256=lambda wildcards: raw_file(wildcards.dataset, wildcards.file).sha256 or "",
        hint=lambda wildcards: dataset(wildcards.dataset).how_to_get,
        url=lambda wildcards: raw_file(wildcards.dataset, wildcards.file).url or "",
    shell:
        "python scripts/fetch_file.py --name={params.name:q} --local={params.local:q} --sha256={params.sha256:q} "
        "--url={params.url:q} --hint={params.hint:q} --output {output.file:q} >{log:q} 2>&1"


for name in SIMULATED:

    rule:
        name:
            f"simulate_{name}"
        input:
            code=code("simulate_dataset.py", ("datasets", dataset_uses(name))),
        output:
            files=simulated_paths(name),
        log:
            log_file("simulate_dataset", name),
        benchmark:
            benchmark_file("simulate_dataset", name)
        localrule: True
        conda:
            "../envs/python.yaml"
        resources:
            mem_mb=2000,
            runtime=10,
            gpu=0,
        params:
            # Functions: in plain text Snakemake looks for wildcards.
            uses=lambda wildcards, name=name: dataset_uses(name),
            settings=lambda wildcards, name=name: dataset_settings(name),
        shell:
            "python scripts/simulate_dataset.py --dataset={params.uses:q} --settings={params.settings:q} "
            "--output {output.files:q} >{log:q} 2>&1"


rule preprocess_dataset:
    input:
        files=lambda wildcards: raw_paths(wildcards.dataset),
        code=lambda wildcards: code("preprocess_dataset.py", ("datasets", dataset_uses(wildcards.dataset))),
    output:
        dataset=f"{RESULTS}/datasets/{{dataset}}.h5ad",
    log:
        log_file("preprocess_dataset", "{dataset}"),
    benchmark:
        benchmark_file("preprocess_dataset", "{dataset}")
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
        uses=lambda wildcards: dataset_uses(wildcards.dataset),
        settings=lambda wildcards: dataset_settings(wildcards.dataset),
        simulated=lambda wildcards: ["--simulated"] if wildcards.dataset in SIMULATED else [],
    shell:
        "python scripts/preprocess_dataset.py --dataset={params.uses:q} --name={wildcards.dataset:q} "
        "--settings={params.settings:q} {params.simulated:q} --files {input.files:q} --output {output.dataset:q} "
        ">{log:q} 2>&1"


rule split_task:
    input:
        dataset=lambda wildcards: f"{RESULTS}/datasets/{STUDY.tasks[wildcards.task].dataset}.h5ad",
        code=code("split_task.py"),
    output:
        train=f"{RESULTS}/tasks/{{task}}/train.h5ad",
        truth=f"{RESULTS}/tasks/{{task}}/truth.h5ad",
    log:
        log_file("split_task", "{task}"),
    benchmark:
        benchmark_file("split_task", "{task}")
    group:
        "prepare"
    conda:
        "../envs/python.yaml"
    resources:
        mem_mb=lambda wildcards, attempt: 8000 * attempt,
        runtime=lambda wildcards, attempt: 20 * attempt,
        gpu=0,
    params:
        split=lambda wildcards: split_json(wildcards.task),
    shell:
        "python scripts/split_task.py --dataset {input.dataset:q} --split={params.split:q} "
        "--train {output.train:q} --truth {output.truth:q} >{log:q} 2>&1"
