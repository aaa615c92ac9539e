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
    check_cluster()
    if first_line := SHOWN.begin():
        logger.info(first_line)


onsuccess:
    # The last line of all: Snakemake itself still names its log.
    if last_line := SHOWN.last_line():
        atexit.register(print, last_line, file=sys.stderr)


rule all:
    default_target: True
    input:
        tables=[PATHS.table(name, "csv") for name in STUDY.selected("tables")],
        figures=[PATHS.figure(name, "pdf") for name in STUDY.selected("figures")],
        own=[*SHOWN.own_folders(), *SHOWN.own_tables(), *SHOWN.own_pages()],
        tuning=SHOWN.tuning_files(),
        claims=SHOWN.claims_files(),
        scores=[PATHS.scores(task) for task in PLAN.tasks],
        page=PATHS.page,
