rule render_figure:
    input:
        notebook=lambda wildcards: f"notebooks/{STUDY.figures[wildcards.figure].notebook}.ipynb",
        cells=lambda wildcards: figure_cells(wildcards.figure),
        predictions=lambda wildcards: [
            prediction_file(STUDY.figures[wildcards.figure].task, method)
            for method in figure_methods(wildcards.figure)
        ],
        histories=lambda wildcards: figure_histories(wildcards.figure),
        scores=lambda wildcards: [score_file(task) for task in STUDY.figures[wildcards.figure].scores],
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
    group:
        "figures"
    conda:
        "../envs/notebooks.yaml"
    resources:
        mem_mb=lambda wildcards, attempt: 4000 * attempt,
        runtime=lambda wildcards, attempt: 20 * attempt,
        gpu=0,
        notebooks=1,
    params:
        figure=lambda wildcards: figure_json(wildcards.figure),
    shell:
        "python scripts/render_figure.py --notebook {input.notebook:q} --figure={params.figure:q} "
        "--cells {input.cells:q} --predictions {input.predictions:q} --histories {input.histories:q} "
        "--scores {input.scores:q} "
        "--pdf {output.pdf:q} --png {output.png:q} --html {output.html:q} >{log:q} 2>&1"


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
