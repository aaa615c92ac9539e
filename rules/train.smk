rule train_model:
    input:
        train=PATHS.train("{task}"),
        code=lambda wildcards: PLAN.code("train_model.py", PLAN.model_entry(wildcards.model)),
    output:
        fitted=PATHS.fitted("{task}", "{model}", "{batch}"),
        history=PATHS.history("{task}", "{model}", "{batch}"),
    log:
        PATHS.log("train_model", "{task}", "{model}_{batch}"),
    benchmark:
        PATHS.benchmark("train_model", "{task}", "{model}_{batch}")
    conda:
        "../envs/python.yaml"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: 8000 * attempt,
        runtime=lambda wildcards, attempt: 240 * attempt,
        gpu=PLAN.gpus,
        # 0: SLURM is not asked for tasks per GPU, which some clusters refuse beside a number of GPUs.
        tasks_per_gpu=0,
        slurm_partition=cluster.training_partition(default_resources(), PLAN.gpus),
    params:
        spec=lambda wildcards: PLAN.train_spec(wildcards.task, wildcards.model, wildcards.batch).to_json(),
        # Not an output: Snakemake deletes the outputs of a job that fails, and these must outlive it.
        checkpoints=lambda wildcards: PATHS.checkpoints(wildcards.task, wildcards.model),
    # exec: SIGTERM goes to a shell too, which would end before the checkpoint is written, and SLURM then kills the rest.
    shell:
        "exec python scripts/train_model.py --spec - --train={input.train:q} --threads {threads} "
        "--checkpoints={params.checkpoints:q} --fitted={output.fitted:q} --history={output.history:q} "
        ">{log:q} 2>&1 <<<{params.spec:q}"


rule train_classifier:
    input:
        train=PATHS.train("{task}"),
        code=PLAN.code("train_classifier.py"),
    output:
        classifier=PATHS.classifier("{task}"),
    log:
        PATHS.log("train_classifier", "{task}"),
    benchmark:
        PATHS.benchmark("train_classifier", "{task}")
    conda:
        "../envs/python.yaml"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: 8000 * attempt,
        runtime=lambda wildcards, attempt: 60 * attempt,
        gpu=0,
    shell:
        "python scripts/train_classifier.py --train={input.train:q} --seed 0 --threads {threads} "
        "--output={output.classifier:q} >{log:q} 2>&1"
