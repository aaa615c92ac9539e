"""What tables show: directions, labels and stand-ins are filled in, and a table that cannot be made is told at once."""

import pytest

from outofsample import registry
from outofsample.errors import UserError
from outofsample.jobs.page import OwnChoice
from outofsample.jobs.table import MethodRow, TableSpec
from outofsample.study.load import load_study, read_study
from outofsample.study.plan import Plan
from outofsample.study.presentation import Presentation, snakemake_options
from tests.conftest import ROOT

COLUMNS = [{"score": "energy_distance", "label": "energy"}, {"score": "sd_ratio", "label": "sd ratio"}]
TABLE = {"title": "T", "tasks": ["real", "held_out"], "columns": COLUMNS, "paper_tasks": ["real", "held_out"]}


def presentation(folder, **table) -> Presentation:
    """Return what a study of a real and of a simulated dataset shows, with one table."""
    (folder / "dengue").mkdir(exist_ok=True)
    for file in registry.create("datasets", "dengue", {}).raw_files():
        (folder / "dengue" / file.name).touch()
    query = {"domain": "sample1", "source": "batch1", "target": "batch2"}
    study = {
        "study": "mine",
        "demo_size": True,
        "datasets": {"dengue": {}, "made": {"uses": "dengue", "folder": "elsewhere"}},
        "tasks": {
            "real": {"dataset": "dengue", "queries": [query], "label": "Real, it is"},
            "held_out": {"dataset": "made", "queries": [query], "methods": ["no_change"]},
        },
        "methods": {"neuron_editing": {"label": "Neuron editing"}, "no_change": {"control": True}},
        "tables": {"t2": TABLE | table},
    }
    return Presentation(Plan(load_study(study), folder))


def test_a_table_has_labels_and_stand_ins(tmp_path):
    spec = presentation(tmp_path).table_spec("t2")
    assert (spec.name, spec.title, spec.tasks) == ("t2", "T, demo size", ("real", "held_out"))
    assert spec.task_labels == {"real": "Real, it is", "held_out": "held out"}
    assert spec.stand_in == {"real": False, "held_out": True} and spec.paper_tasks == ("real",)
    edited = MethodRow("neuron_editing", "Neuron editing", unbounded=True)
    assert spec.methods == (edited, MethodRow("no_change", "no change", True))
    assert TableSpec.from_json(spec.to_json()) == spec


def test_a_table_has_the_methods_that_its_tasks_ask_for(tmp_path):
    spec = presentation(tmp_path, tasks=["held_out"]).table_spec("t2")
    assert [method.name for method in spec.methods] == ["no_change"]


def test_a_column_takes_the_direction_of_its_score(tmp_path):
    columns = [{"score": score, "label": score} for score in ("energy_distance", "sd_ratio", "of_nobody")]
    spec = presentation(tmp_path, columns=columns).table_spec("t2")
    assert [column.better for column in spec.columns] == ["low", "one", None]


def test_a_score_that_nobody_knows_has_the_direction_that_is_given(tmp_path):
    spec = presentation(tmp_path, columns=[{"score": "of_nobody", "label": "x", "better": "high"}]).table_spec("t2")
    assert spec.columns[0].better == "high"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"titel": "x"}, r"tables\.t2\.titel: unknown key \(did you mean 'title'"),
        ({"columns": [{"label": "r"}]}, r"tables\.t2\.columns\.0\.score: this key is missing"),
        (
            {"columns": [{"score": "r", "label": "r", "better": "up"}]},
            r"should be 'high', 'low' or 'one' \(found 'up'\)",
        ),
        ({"columns": [{"score": "fid", "label": "FID", "better": "high"}]}, "'fid': better is low for this score, not"),
        ({"rank_by": "wasserstein"}, r"tables\.t2\.rank_by: 'wasserstein' is not a column that says"),
        (
            {"rank_by": "of_nobody", "columns": [{"score": "of_nobody", "label": "x"}]},
            "'of_nobody' is not a column that says which values are better",
        ),
        ({"tasks": ["reel"]}, r"'reel' .*\(did you mean 'real'"),
    ],
)
def test_a_table_that_cannot_be_made_is_told_before_any_job(tmp_path, change, message):
    with pytest.raises(UserError, match=message):
        presentation(tmp_path, **change)


def test_the_page_has_the_tables_and_what_they_speak_of(tmp_path):
    shown = presentation(tmp_path)
    page = shown.page_spec()
    assert page.tables == {"t2": shown.table_spec("t2")}
    assert page.tasks["held_out"].methods == ("no_change",) and page.tasks["held_out"].stand_in
    assert page.task_label("held_out") == "held out (stand-in)" and page.method_label("no_change") == "no change"
    assert page.method_label("another") == "another"


def test_the_command_that_makes_a_thing_again(tmp_path):
    plan = presentation(tmp_path).plan
    page = Presentation(plan, ("--configfile", "a b.yaml", "--config", "x=[1, 2]")).page_spec()
    assert page.command("t2") == "snakemake --cores all t2 --configfile 'a b.yaml' --config 'x=[1, 2]'"
    assert Presentation(plan).page_spec().command() == "snakemake --cores all"


def test_claims_are_judged_where_a_table_is_about_a_paper(tmp_path):
    shown = presentation(tmp_path)
    assert shown.claims_files() == []
    of_paper = presentation(tmp_path, paper="ne2020", table="2")
    assert of_paper.claims_files() == ["results/mine/claims.csv"]
    spec = of_paper.claims_spec()
    assert {task: shown.stand_in for task, shown in spec.tasks.items()} == {"real": False, "held_out": True}
    assert set(spec.methods) == {"neuron_editing", "no_change"}


# ---- whose data the paper's values belong to


@pytest.mark.parametrize(
    ("dataset", "settings", "papers"),
    [
        ("kang", {"download": True}, False),
        ("kang", {"file": "kang_pooled_counts.h5ad"}, False),
        ("kang", {"file": "kang_count.h5ad"}, True),
        ("kang", {}, False),
        ("haber", {"download": True}, True),
        ("haber", {}, False),
        ("celeba", {"full": True}, True),
        ("celeba", {"full": True, "images_per_group": 500}, False),
        ("celeba", {"folder": "celeba_sample"}, False),
    ],
)
def test_the_papers_values_belong_to_the_papers_own_data(tmp_path, dataset, settings, papers):
    query = {"domain": "NK", "source": "control", "target": "stimulated"}
    table = {"title": "T", "tasks": ["task"], "columns": COLUMNS, "paper": "trvae2020", "paper_tasks": ["task"]}
    study = {
        "study": "mine",
        "datasets": {"data": {"uses": dataset, **settings}},
        "tasks": {"task": {"dataset": "data", "queries": [query]}},
        "methods": {"no_change": {}},
        "tables": {"table": table},
    }
    spec = Presentation(Plan(load_study(study), tmp_path)).table_spec("table")
    assert spec.paper_tasks == (("task",) if papers else ())
    assert spec.on_other_data("task") != papers


def test_a_figure_can_show_the_measured_cells_of_another_task(tmp_path):
    query = {"domain": "sample1", "source": "batch1", "target": "batch2"}
    task = {"dataset": "dengue", "queries": [query]}
    study = {
        "study": "mine",
        "datasets": {"dengue": {}},
        "tasks": {"pair": task, "all": task},
        "methods": {"no_change": {}},
        "figures": {
            "one": {"title": "T", "notebook": "trvae_fig6", "task": "pair"},
            "both": {"title": "T", "notebook": "trvae_fig5", "task": "pair", "measured": "all"},
        },
    }
    shown = Presentation(Plan(load_study(study), tmp_path))
    files = [[f"results/mine/tasks/{task}/{part}.h5ad" for part in ("train", "truth")] for task in ("pair", "all")]
    assert shown.figure_cells("one") == files[0]
    assert shown.figure_cells("both") == files[0] + files[1]
    assert Presentation(Plan(load_study({**study, "run": {"tasks": ["pair"]}}), tmp_path)).study.selected(
        "figures"
    ) == ["one"]


FIGURE = {"notebook": "ne2020_fig5", "task": "t", "title": "Change", "methods": ["mean_shift"], "scores": ["t"]}


@pytest.fixture
def shown() -> Presentation:
    """What a study of a user's own data shows, with a table and a figure."""
    files = [{"path": f"{name}.csv", "condition": name, "domain": "a"} for name in ("before", "after")]
    study = {
        "study": "mine",
        "datasets": {"mine": {"uses": "own", "folder": "mine", "scale": "none", "files": files}},
        "tasks": {"t": {"dataset": "mine", "queries": [{"domain": "a", "source": "before", "target": "after"}]}},
        "methods": {"mean_shift": {"label": "Mean"}, "no_change": {"control": True}, "scvi": {}},
        "tables": {"t2": {"title": "T", "tasks": ["t"], "columns": COLUMNS}},
        "figures": {"f": FIGURE},
    }
    return Presentation(Plan(load_study(study), "nowhere"), ["--configfile", "mine.yaml"])


def test_a_name_on_the_command_line_stands_for_its_file(shown):
    assert shown.aliases() == {"f": "results/mine/figures/f.pdf", "t2": "results/mine/tables/t2.csv"}


def test_a_figure_rests_on_what_it_shows_alone(shown):
    assert shown.notebook("f") == "notebooks/ne2020_fig5.ipynb"
    assert shown.figure_cells("f") == [f"results/mine/tasks/t/{part}.h5ad" for part in ("train", "truth")]
    assert shown.figure_predictions("f") == ["results/mine/predictions/t/mean_shift.h5ad"]
    assert shown.figure_scores("f") == shown.table_scores("t2") == ["results/mine/scores/t.csv"]
    assert shown.figure_histories("f") == []
    assert shown.figure_spec("f").labels == {"mean_shift": "Mean"}


def test_a_figure_is_rendered_again_when_what_its_notebook_imports_changes(shown):
    code = shown.plan.code_of_notebook(shown.notebook("f"))
    assert "scripts/outofsample/figures/whole_change.py" in code
    assert not any("figures/image_grid" in path or "metrics/evaluation" in path for path in code)


def test_own_data_get_a_folder_and_a_page_for_each_method_that_runs(shown):
    methods = ("mean_shift", "no_change")
    assert shown.own_folders() == [f"results/mine/own/t/{method}" for method in methods]
    assert shown.own_pages() == [f"results/mine/own/t/{method}_changes.html" for method in methods]
    assert shown.changes_spec("t", "mean_shift").controls == {"no_change": "no change"}
    spec = shown.write_back_spec("t", "mean_shift")
    assert spec.settings["scale"] == "none"
    # What is there where the study was a cohort before.
    own = "results/mine/own/t/mean_shift"
    assert spec.replaced == (f"{own}_files.csv", f"{own}_extrapolated")
    assert shown.plan.paths.files_table("t", "mean_shift") == spec.replaced[0]


def test_own_data_are_told_which_method_to_take(shown):
    spec = shown.changes_spec("t", "mean_shift")
    assert spec.labels == {"mean_shift": "Mean", "no_change": "no change"}
    assert (spec.cautious, spec.unchanged) == ("", "no_change")
    assert shown.page_spec().own == {"t": OwnChoice("", "no_change")}
    assert shown.own_predictions() == [f"results/mine/predictions/t/{name}.h5ad" for name in spec.labels]


@pytest.mark.parametrize("name", ["my_fcs", "my_h5ad", "my_table"])
def test_the_templates_have_a_cautious_method_and_one_that_does_nothing(name, tmp_path):
    # A sample sheet names files that must be there.
    (tmp_path / name).mkdir()
    for file in ("control_batch1", "control_batch2", "patient_a", "patient_b"):
        (tmp_path / name / f"{file}.fcs").touch()
    own = Presentation(Plan(read_study(ROOT / "studies" / f"{name}.yaml"), tmp_path)).page_spec().own
    assert list(own.values()) == [OwnChoice("stacked_map", "no_change")]


def test_studies_of_public_data_recommend_nothing(tmp_path):
    shown = presentation(tmp_path)
    assert shown.page_spec().own == {} and shown.own_predictions() == []


def test_only_a_tuning_study_chooses_settings(shown):
    assert shown.tuning_files() == []
    tuning = Presentation(Plan(read_study(ROOT / "studies" / "tuning.yaml"), ROOT / "nowhere"))
    assert tuning.tuning_files() == [f"results/tuning/tuning/chosen.{suffix}" for suffix in ("csv", "md", "yaml")]


def test_the_page_says_how_the_study_is_run(shown):
    assert shown.page_spec().command("f") == "snakemake --cores all f --configfile mine.yaml"


@pytest.mark.parametrize(
    ("files", "values", "options"),
    [
        (["/project/config.yaml"], None, []),
        (["/project/studies/x.yaml"], {}, ["--configfile", "studies/x.yaml"]),
        (["/project/config.yaml"], {"seeds": 2, "data_dir": "d"}, ["--config", "seeds=2", "data_dir=d"]),
    ],
)
def test_options_that_name_a_study(files, values, options):
    assert snakemake_options(files, values, "/project") == options
