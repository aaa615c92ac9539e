rule render_figure:
    input:
        notebook=lambda wildcards: f"notebooks/{STUDY.figures[wildcards.figure].notebook}.ipynb",
        train=lambda wildcards: f"{RESULTS}/tasks/{STUDY.figures[wildcards.figure].task}/train.h5ad",
        truth=lambda wildcards: f"{RESULTS}/tasks/{STUDY.figures[wildcards.figure].task}/truth.h5ad",
        predictions=lambda wildcards: [
            prediction_file(STUDY.figures[wildcards.figure].task, method)
            for method in figure_methods(wildcards.figure)
        ],
        histories=lambda wildcards: figure_histories(wildcards.figure),
        code=lambda wildcards: code("render_figure.py") + code_of_figures(),
    output:
        pdf=f"{RESULTS}/figures/{{figure}}.pdf",
        png=report(
            f"{RESULTS}/figures/{{figure}}.png",
            category="Figures",
            caption="../report/figure.rst",
            labels={"figure": "{figure}"},
        ),
        html=f"{RESULTS}/figures/{{figure}}.html",
    log:
        log_file("render_figure", "{figure}"),
    benchmark:
        benchmark_file("render_figure", "{figure}")
    # Kernels that start at the same moment can ask for the same port.
    retries: 2
    conda:
        "../envs/notebooks.yaml"
    resources:
        mem_mb=4000,
        runtime=20,
        gpu=0,
        notebooks=1,
    params:
        figure=lambda wildcards: figure_json(wildcards.figure),
    shell:
        "python scripts/render_figure.py --notebook {input.notebook:q} --figure {params.figure:q} "
        "--train {input.train:q} --truth {input.truth:q} --predictions {input.predictions:q} "
        "--histories {input.histories:q} "
        "--pdf {output.pdf:q} --png {output.png:q} --html {output.html:q} >{log} 2>&1"


# `snakemake ne2020_fig4` makes that figure (or table) alone.
ALIASES = {name: figure_file(name, "pdf") for name in STUDY.selected("figures")}
ALIASES |= {name: table_file(name, "csv") for name in STUDY.selected("tables")}

for name, file in ALIASES.items():

    rule:
        name:
            name
        input:
            file=file,
        localrule: True
