from snakemake.utils import min_version

min_version("9.0")


report: "report/workflow.rst"


# The demo study is the default; a study given with --configfile takes its place and inherits nothing of it
# (Snakemake would merge the two key by key).
if not workflow.configfiles:

    configfile: "config.yaml"


include: "rules/common.smk"
include: "rules/data.smk"
include: "rules/train.smk"
include: "rules/transform.smk"
include: "rules/batch_correction.smk"
include: "rules/evaluate.smk"
include: "rules/tuning.smk"
include: "rules/figures.smk"
include: "rules/own.smk"
include: "rules/report.smk"


onstart:
    check_cluster_settings()


rule all:
    default_target: True
    input:
        tables=[table_file(name, "csv") for name in STUDY.selected("tables")],
        figures=[figure_file(name, "pdf") for name in STUDY.selected("figures")],
        own=own_folders(),
        tuning=tuning_files(),
        scores=[score_file(name) for name in STUDY.selected("tasks")],
        page=f"{RESULTS}/page.html",
