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
        "--settings {params.settings:q} --files {input.files:q} --folder {output.folder:q} >{log} 2>&1"
