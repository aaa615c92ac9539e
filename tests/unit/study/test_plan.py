"""What a study runs, decided without Snakemake: files, settings, seeds, code, and reasons for not running."""

import copy
from pathlib import Path

import pytest
import yaml

from outofsample import registry
from outofsample.errors import UserError
from outofsample.study import cluster
from outofsample.study.load import load_study, read_study
from outofsample.study.paths import Paths
from outofsample.study.plan import Plan
from outofsample.study.presentation import Presentation
from tests.conftest import ROOT

TASK = {"dataset": "dengue", "queries": [{"domain": "b", "source": "one", "target": "two"}]}
SMALL = {
    "study": "small",
    "seeds": [3, 5, 8],
    "seeds_per_job": 2,
    "datasets": {"dengue": {}, "morpho_mnist": {}},
    "tasks": {"t": TASK, "digits": {**TASK, "dataset": "morpho_mnist", "seeds": [1]}},
    "models": {"small": {"uses": "autoencoder", "epochs": 1}},
    "methods": {
        "neuron_editing": {"model": "small"},
        "constant_shift": {"model": "small"},
        "pca_editing": {},
        "mean_shift": {"control": True},
        "cytonorm": {},
        "combat": {},
        "scvi": {},
    },
}


def plan_of(**changes) -> Plan:
    """Return the plan of the small study with some keys changed."""
    return Plan(load_study({**copy.deepcopy(SMALL), **changes}), "nowhere")


@pytest.fixture(scope="module")
def plan() -> Plan:
    return plan_of()


@pytest.fixture(scope="module")
def demo() -> Plan:
    return Plan(read_study(ROOT / "config.yaml"), ROOT / "nowhere")


def test_paths_stand_in_the_folder_of_the_study(plan):
    assert plan.paths == Paths("results/small")
    assert plan.paths.prediction("t", "m") == "results/small/predictions/t/m.h5ad"
    assert plan.paths.log("rule", "t", "m") == "results/small/logs/rule/t/m.log"
    assert plan.paths.benchmark("rule") == "results/small/benchmarks/rule.tsv"


def test_methods_are_grouped_by_the_model_that_they_stand_on(plan):
    groups = plan.by_model
    assert groups["small"] == ["neuron_editing", "constant_shift"]
    assert groups["pca"] == ["pca_editing"] and groups["none_cytonorm"] == ["cytonorm"]
    assert not any("combat" in methods for methods in groups.values()) and plan.correctors == ["combat"]
    assert plan.has_model("small") and not plan.has_model("none_cytonorm")


def test_only_what_takes_long_is_trained_in_a_job_of_its_own(plan):
    assert plan.trains("small") and not plan.trains("pca") and not plan.trains("none_cytonorm")
    assert plan.fitted_files("t", "pca") == plan.history_files("t", "none_cytonorm") == []


def test_seeds_come_in_batches(plan):
    assert plan.seed_batches("t", "small") == {"3-5": (3, 5), "8": (8,)}
    assert plan.seed_batches("digits", "small") == {"1": (1,)}
    assert plan_of(seeds_per_job=None).seed_batches("t", "small") == {"3-5-8": (3, 5, 8)}
    # A file name holds no more.
    many = plan_of(seeds_per_job=None, seeds=200).seed_batches("t", "small")
    assert many == {"0-199": tuple(range(200))}


def test_what_does_not_depend_on_chance_runs_for_one_seed(plan):
    assert plan.seed_batches("t", "pca") == {"3": (3,)}


def test_the_cells_of_a_query_of_ones_own_are_never_limited(plan, tmp_path):
    values = {**copy.deepcopy(SMALL), "datasets": {"own": {"files": ["a.csv"]}}}
    values["datasets"]["own"] |= {"condition_column": "condition", "domain_column": "donor"}
    values["tasks"] = {"t": {**TASK, "dataset": "own", "cells_per_group": 10}}
    spec = Plan(load_study(values), tmp_path).split_spec("t")
    assert spec.whole_queries and spec.cells_per_group == 10
    assert not plan.split_spec("t").whole_queries


def test_a_training_gets_its_settings_seeds_and_device(plan):
    spec = plan.train_spec("t", "small", "8")
    assert (spec.model.name, spec.model.uses, spec.seeds, spec.device) == ("small", "autoencoder", (8,), "auto")
    assert spec.model.settings["epochs"] == 1 and spec.model.settings["hidden"]


def test_settings_of_a_task_change_its_model_alone():
    tasks = {"t": {**TASK, "models": {"small": {"epochs": 7}}}, "u": TASK}
    plan = plan_of(tasks=tasks)
    assert [plan.model_spec("small", task).settings["epochs"] for task in "tu"] == [7, 1]


@pytest.mark.parametrize(("task", "study"), [("kang.pt1", "small"), ("seeds_t", "five_seeds_demo"), ("t", "x.pt")])
def test_histories_stand_beside_the_fitted_states_whatever_task_and_study_are_called(task, study):
    figure = {"notebook": "training_curves", "task": task, "models": ["small"], "title": "Losses"}
    plan = plan_of(study=study, tasks={task: TASK}, figures={"curves": figure})
    folder = f"results/{study}/models/{task}/small"
    assert plan.fitted_files(task, "small") == [f"{folder}/seeds_3-5.pt", f"{folder}/seeds_8.pt"]
    assert plan.history_files(task, "small") == [f"{folder}/history_3-5.csv", f"{folder}/history_8.csv"]
    assert Presentation(plan).figure_histories("curves") == plan.history_files(task, "small")


def test_methods_say_why_they_do_not_run(plan):
    assert plan.why_not("t", "scvi") == "no counts"
    assert plan.why_not("digits", "combat") == "not for images"
    assert plan.why_not("t", "neuron_editing") is None
    assert "scvi" not in plan.runs("t") and "combat" in plan.runs("t")
    assert plan.evaluation_spec("t").not_run == {"scvi": "no counts"}


def test_a_job_predicts_with_the_methods_of_its_task_alone():
    tasks = {"t": {**TASK, "methods": ["neuron_editing"]}}
    plan = plan_of(tasks=tasks)
    spec = plan.transform_spec("t", "small")
    assert [(method.name, method.runs) for method in spec.methods] == [
        ("neuron_editing", True),
        ("constant_shift", False),
    ]
    assert spec.model.name == "small" and plan.transform_spec("t", "none_cytonorm").model is None
    assert plan.predictions("t") == ["results/small/predictions/t/neuron_editing.h5ad"]


def test_methods_that_use_chance_without_training_take_every_seed_of_the_task():
    methods = {
        name: {} for name in ("no_change", "mean_shift", "pca_editing", "ot_map", "stacked_map", "neuron_editing")
    }
    plan = plan_of(tasks={"t": {**TASK, "seeds": [3, 5]}}, methods=methods, run={"tasks": ["t"]})
    found = {group: plan.transform_spec("t", group).seeds for group in plan.by_model}
    assert found == {
        "none_no_change": (3,),
        "identity": (3,),
        # The transport map draws cells; editing of components does not, and its job fits it once.
        "pca": (3, 5),
        "none_stacked_map": (3, 5),
        # Its trained states tell their seeds.
        "autoencoder": (3,),
    }


def test_images_alone_have_a_classifier(plan):
    assert plan.classifier_files("t") == []
    assert plan.classifier_files("digits") == ["results/small/classifiers/digits.pt"]


def test_fid_needs_its_file_before_anything_runs(tmp_path):
    study = load_study({**copy.deepcopy(SMALL), "evaluation": {"fid": True}})
    with pytest.raises(UserError, match="FID and KID need this file"):
        Plan(study, tmp_path)


def test_stand_ins_take_the_place_of_files_that_are_not_there(plan):
    assert plan.simulated == {"dengue", "morpho_mnist"} and plan.is_stand_in("t")
    assert all(path.startswith("results/small/simulated/dengue/") for path in plan.raw_files("dengue"))
    assert plan.dataset_spec("dengue").simulated


def test_real_files_are_fetched(tmp_path):
    folder = tmp_path / "dengue"
    folder.mkdir()
    for file in plan_of().dataset("dengue").raw_files():
        (folder / file.name).write_bytes(b"some")
    plan = Plan(load_study(copy.deepcopy(SMALL)), tmp_path)
    assert "dengue" not in plan.simulated and not plan.is_stand_in("t")
    first = plan.raw_files("dengue")[0]
    assert first.startswith("results/small/raw/dengue/")
    spec = plan.fetch_spec("dengue", Path(first).name)
    assert spec.local == f"{folder}/{Path(first).name}" and spec.state.startswith("4 ")


def celebas(**settings) -> dict:
    """Return a study with a dataset per attribute of CelebA; only the last one runs, unless `tasks` are given."""
    tasks = settings.pop("tasks", ["smile"])
    datasets = {name: {"uses": "celeba", "attribute": name, **settings.get(name, {})} for name in ("hair", "smile")}
    queries = [{"domain": "female", "source": "one", "target": "two"}]
    return {
        "study": "faces",
        "datasets": datasets,
        "tasks": {name: {"dataset": name, "queries": queries} for name in datasets},
        "methods": {"no_change": {}},
        "run": {"tasks": tasks},
    }


def test_datasets_that_read_the_same_files_have_one_copy(tmp_path):
    """CelebA's archive takes 1.4 GB; the copy stays where it is when more datasets run."""
    one = ["results/faces/raw/hair/img_align_celeba.zip", "results/faces/raw/hair/list_attr_celeba.txt"]
    assert Plan(load_study(celebas()), tmp_path).raw_files("smile") == one
    both = Plan(load_study(celebas(tasks=["hair", "smile"])), tmp_path)
    assert both.raw_files("smile") == both.raw_files("hair") == one


def test_files_of_other_folders_are_copied_apart(tmp_path):
    plan = Plan(load_study(celebas(smile={"folder": "celeba_sample"})), tmp_path)
    assert plan.raw_files("smile")[0] == "results/faces/raw/smile/img_align_celeba.zip"


def test_the_whole_papers_copy_each_file_once():
    plan = Plan(read_study(ROOT / "studies" / "paper.yaml"), ROOT / "nowhere")
    attributes = [name for name in plan.datasets if plan.uses(name) == "celeba"]
    assert len(attributes) >= 4 and len({file for name in attributes for file in plan.raw_files(name)}) == 2


def test_a_local_file_that_changes_is_taken_anew(tmp_path):
    (tmp_path / "own").mkdir()
    path = tmp_path / "own" / "cells.csv"
    values = {
        "study": "mine",
        "datasets": {"own": {"folder": "own", "files": [{"path": "cells.csv"}], "scale": "none"}},
        "tasks": {"t": {**TASK, "dataset": "own"}},
        "methods": {"mean_shift": {}},
    }
    values["datasets"]["own"] |= {"condition_column": "condition", "domain_column": "donor"}
    plan = Plan(load_study(values), tmp_path)
    states = []
    for text in ("a", "ab"):
        path.write_text(text)
        states.append(plan.fetch_spec("own", "cells.csv").state)
    assert states[0] != states[1] and plan.is_own("t")


def test_domains_are_held_out_for_data_of_the_users_own_alone(plan, tmp_path):
    own = {"folder": "own", "scale": "none", "files": [{"path": "c.csv", "condition": "a", "domain": "b"}]}
    values = {
        "study": "mine",
        "datasets": {"own": own},
        "tasks": {"t": {**TASK, "dataset": "own"}},
        "methods": {"ot_map": {}},
    }
    mine = Plan(load_study(values), "nowhere")
    assert [mine.transform_spec("t", group).held_out for group in mine.by_model] == [True]
    assert not any(plan.transform_spec(task, group).held_out for task in plan.tasks for group in plan.by_model)


def names(files) -> set[str]:
    return {Path(file).as_posix().rpartition("outofsample/")[2] for file in files}


def test_code_of_a_job_is_what_it_imports(plan):
    found = names(plan.code("train_model.py", plan.model_entry("small")))
    assert "models/autoencoder.py" in found and "models/trvae.py" not in found
    assert not any(name.startswith(("figures/", "report/", "metrics/", "methods/")) for name in found)


def test_code_of_a_method_holds_what_it_finds_by_name():
    plan = plan_of(methods={"cross_validated": {}})
    found = names(plan.code("transform_query.py", *plan.method_entries(["cross_validated"])))
    assert {"methods/cross_validated.py", "methods/quantile_mapping.py"} <= found


def test_gpus_are_asked_for_where_the_study_says_so(plan):
    assert plan.gpus == 0 and plan_of(device="cuda").gpus == 1


@pytest.mark.parametrize(("device", "told"), [("cpu", "cpu"), ("auto", "auto"), ("cuda", "auto")])
def test_candidates_are_trained_on_the_device_of_the_study(device, told):
    """Predicting asks for no GPU: it takes the one that is there."""
    changed = plan_of(device=device, methods={"stacked_map": {}})
    assert changed.transform_spec("t", "none_stacked_map").device == told


def test_every_answer_for_the_demo(demo):
    """All tasks x methods have a prediction or a reason, and every trained model has its files."""
    for task in demo.tasks:
        asked = set(demo.study.task_methods(task))
        assert asked == {*demo.runs(task), *demo.evaluation_spec(task).not_run}
        for group in filter(demo.trains, demo.by_model):
            assert len(demo.fitted_files(task, group)) == len(demo.history_files(task, group)) >= 1
    histories = demo.histories()
    assert set(demo.history_files("dengue", "trvae")) < set(histories) and len(set(histories)) == len(histories)
    # A task of few methods trains few models.
    assert {path.split("/")[4] for path in histories if "/haber_types." in path} == {"trvae"}
    for group, methods in demo.by_model.items():
        assert all(registry.path_of(*entry).is_file() for entry in demo.method_entries(methods))
        assert len(demo.model_entries(group)) == demo.has_model(group)


RESOURCES = {"slurm_account": "<account>", "slurm_partition": "cpus", "gpu_partition": "<gpus>"}


def test_placeholders_of_the_profile_are_told():
    assert [line.split(":")[0] for line in cluster.unfilled(RESOURCES, 0)] == ["default-resources, slurm_account"]
    assert len(cluster.unfilled(RESOURCES, 1)) == 2 and cluster.unfilled({}, 1) == []
    with pytest.raises(UserError, match="not filled in:\n  - default-resources, slurm_account"):
        cluster.check(RESOURCES, 0, None)


def test_trainings_go_to_the_partition_with_gpus_where_they_need_one():
    resources = {"slurm_partition": "cpus", "gpu_partition": "gpus"}
    assert cluster.training_partition(resources, 1) == "gpus" and cluster.training_partition(resources, 0) == "cpus"
    assert cluster.training_partition({}, 1) is None


def test_a_machine_without_slurm_is_named(monkeypatch):
    monkeypatch.setattr(cluster.shutil, "which", lambda name: None)
    with pytest.raises(UserError, match="no 'sbatch' here"):
        cluster.check({"slurm_account": "me", "slurm_partition": "cpus"}, 0, None)


def test_a_grid_of_500_points_is_planned_and_passes_what_one_argument_holds():
    values = yaml.safe_load((ROOT / "studies" / "tuning.yaml").read_text())
    grid = {"alpha": [number * 1e-4 for number in range(1, 26)], "beta": list(range(1, 21))}
    values["tuning"]["grids"] = {"trvae": grid}
    plan = Plan(load_study(values, ROOT), ROOT / "nowhere")
    spec = Presentation(plan).tuning_spec("studies/tuning.yaml")
    points = [group for group in plan.by_model if group.startswith("trvae__")]
    assert len(spec.grids["trvae"]) == len(points) == 500
    assert all(plan.fitted_files("kang.B", point) for point in points)
    assert len(spec.to_json()) > 128 * 1024


def test_every_path_lies_in_the_folder_of_the_study():
    paths = Paths("results/small")
    calls = {
        "checkpoints": ("t", "m"),
        "scores": ("t",),
        "table": ("t2", "csv"),
        "figure": ("f", "pdf"),
        "own": ("t", "m"),
        "changes": ("t", "m", "html"),
        "tuning": ("yaml",),
    }
    made = [getattr(paths, name)(*arguments) for name, arguments in calls.items()] + [paths.page, paths.benchmarks]
    assert len(set(made)) == len(made) and all(path.startswith("results/small/") for path in made)
