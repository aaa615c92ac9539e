# One rule per model, since the number of outputs, a file per method on that model, differs between models.
for model, methods in BY_MODEL.items():

    rule:
        name:
            f"transform_{model}"
        input:
            train=f"{RESULTS}/tasks/{{task}}/train.h5ad",
            fitted=lambda wildcards, model=model: fitted_files(wildcards.task, model),
            code=code("transform_query.py", *model_entries(model), *method_entries(methods)),
        output:
            predictions=expand(f"{RESULTS}/predictions/{{{{task}}}}/{{method}}.h5ad", method=methods),
        log:
            log_file("transform_query", "{task}", model),
        benchmark:
            benchmark_file("transform_query", "{task}", model)
        # On a cluster one job makes all predictions of a task and their scores.
        group:
            "predict_{task}"
        conda:
            "../envs/python.yaml"
        threads: 1
        resources:
            mem_mb=lambda wildcards, attempt: 8000 * attempt,
            runtime=lambda wildcards, attempt: 20 * attempt,
            gpu=0,
        params:
            model=lambda wildcards, model=model: model_json(model, wildcards.task),
            methods=lambda wildcards, methods=methods: methods_json(wildcards.task, methods),
            in_sample_cells=STUDY.in_sample_cells,
        shell:
            "python scripts/transform_query.py --train {input.train:q} --fitted {input.fitted:q} "
            "--model={params.model:q} --methods={params.methods:q} --threads {threads} "
            "--in-sample-cells={params.in_sample_cells:q} --outputs {output.predictions:q} >{log:q} 2>&1"
