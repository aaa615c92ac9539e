rule render_figure:
    input:
        notebook=lambda wildcards: SHOWN.notebook(wildcards.figure),
        cells=lambda wildcards: SHOWN.figure_cells(wildcards.figure),
        predictions=lambda wildcards: SHOWN.figure_predictions(wildcards.figure),
        histories=lambda wildcards: SHOWN.figure_histories(wildcards.figure),
        scores=lambda wildcards: SHOWN.figure_scores(wildcards.figure),
        code=lambda wildcards: PLAN.code("render_figure.py") + PLAN.code_of_notebook(SHOWN.notebook(wildcards.figure)),
    output:
        pdf=PATHS.figure("{figure}", "pdf"),
        png=report(
            PATHS.figure("{figure}", "png"),
            category="Figures",
            caption="../report/figure.rst",
            labels={"figure": "{figure}"},
        ),
        html=PATHS.figure("{figure}", "html"),
    log:
        PATHS.log("render_figure", "{figure}"),
    benchmark:
        PATHS.benchmark("render_figure", "{figure}")
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
        spec=lambda wildcards: SHOWN.figure_spec(wildcards.figure).to_json(),
        # For the caption.
        stand_in=lambda wildcards: SHOWN.figure_spec(wildcards.figure).stand_in,
    shell:
        "python scripts/render_figure.py --spec - --notebook={input.notebook:q} --cells {input.cells:q} "
        "--predictions {input.predictions:q} --histories {input.histories:q} --scores {input.scores:q} "
        "--pdf={output.pdf:q} --png={output.png:q} --html={output.html:q} >{log:q} 2>&1 <<<{params.spec:q}"


# `snakemake ne2020_fig4` makes that figure (or table) alone.
for name, file in SHOWN.aliases().items():

    rule:
        name:
            name
        input:
            file=file,
        localrule: True
