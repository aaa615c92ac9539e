rule train_model:
    input:
        train=f"{RESULTS}/tasks/{{task}}/train.h5ad",
        code=lambda wildcards: code("train_model.py", model_entry(wildcards.model)),
    output:
        fitted=f"{RESULTS}/models/{{task}}/{{model}}/seeds_{{batch}}.pt",
        history=f"{RESULTS}/models/{{task}}/{{model}}/history_{{batch}}.csv",
    log:
        log_file("train_model", "{task}", "{model}_{batch}"),
    benchmark:
        benchmark_file("train_model", "{task}", "{model}_{batch}")
    conda:
        "../envs/python.yaml"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: 8000 * attempt,
        runtime=lambda wildcards, attempt: 240 * attempt,
        gpu=needs_gpu(),
        slurm_partition=training_partition(),
    params:
        model=lambda wildcards: model_json(wildcards.model, wildcards.task),
        seeds=lambda wildcards: seed_batches(wildcards.task, wildcards.model)[wildcards.batch],
        device=STUDY.device,
        # Not an output: Snakemake deletes the outputs of a job that fails, and these must outlive it.
        checkpoints=lambda wildcards: f"{RESULTS}/checkpoints/{wildcards.task}/{wildcards.model}",
    # exec: SIGTERM goes to a shell too, which would end before the checkpoint is written, and SLURM then kills the rest.
    shell:
        "exec python scripts/train_model.py --train {input.train:q} --model={params.model:q} --seeds {params.seeds:q} "
        "--device={params.device:q} --threads {threads} --checkpoints={params.checkpoints:q} "
        "--fitted {output.fitted:q} --history {output.history:q} >{log:q} 2>&1"


rule train_classifier:
    input:
        train=f"{RESULTS}/tasks/{{task}}/train.h5ad",
        code=code("train_classifier.py"),
    output:
        classifier=f"{RESULTS}/classifiers/{{task}}.pt",
    log:
        log_file("train_classifier", "{task}"),
    benchmark:
        benchmark_file("train_classifier", "{task}")
    conda:
        "../envs/python.yaml"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: 8000 * attempt,
        runtime=lambda wildcards, attempt: 60 * attempt,
        gpu=0,
    shell:
        "python scripts/train_classifier.py --train {input.train:q} --seed 0 --threads {threads} "
        "--output {output.classifier:q} >{log:q} 2>&1"
