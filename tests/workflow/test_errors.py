"""What a user sees when the configuration is wrong: all problems, and nothing has run."""


def test_all_problems_of_a_configuration_before_any_job(workflow):
    (workflow.folder / "bad.yaml").write_text(
        "study: bad\nextends: config.yaml\nsedes: 3\nrun: {tasks: [dengu]}\nmethods: {neuron_edit: {}}\n"
    )
    run = workflow.snakemake(study="bad.yaml")
    assert run.returncode != 0
    assert "sedes: unknown key (did you mean 'seeds'?)" in run.stdout
    assert not (workflow.folder / "results" / "bad").exists()


def test_some_real_files_without_the_others(workflow):
    folder = workflow.folder / "some" / "dengue"
    folder.mkdir(parents=True)
    (folder / "Control1.fcs").write_bytes(b"FCS3.0")
    run = workflow.snakemake("--config", "data_dir=some")
    assert run.returncode != 0
    assert "Control2.fcs, Sample1.fcs, Sample2.fcs is missing beside the other files" in run.stdout


def test_missing_data_say_where_to_put_them(workflow):
    run = workflow.snakemake("results/open_data/datasets/cytonorm.h5ad", "-n", study="studies/open_data.yaml")
    assert run.returncode == 0
    assert "fetch_file" in run.stdout
