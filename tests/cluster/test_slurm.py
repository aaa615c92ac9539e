"""The SLURM of the tests keeps its hands off a SLURM that was there before."""

import pytest

from tests.cluster import slurm
from tests.cluster.slurm import CannotRun, Slurm


@pytest.fixture
def etc(tmp_path, monkeypatch):
    """A folder in the place of /etc/slurm."""
    monkeypatch.setattr(slurm, "CONFIGURATION", tmp_path / "etc")
    (tmp_path / "etc").mkdir()
    return tmp_path / "etc"


def test_a_slurm_of_this_machine_is_left_alone(etc, tmp_path):
    (etc / "slurm.conf").write_text("ClusterName=theirs\n")
    ours = Slurm(tmp_path / "ours")
    with pytest.raises(CannotRun, match="belongs to a SLURM of this machine"):
        ours.start()
    ours.stop()
    assert (etc / "slurm.conf").read_text() == "ClusterName=theirs\n"


def test_without_root_the_reason_is_given(etc, tmp_path, monkeypatch):
    monkeypatch.setattr(slurm.os, "geteuid", lambda: 1000)
    with pytest.raises(CannotRun, match="need root"):
        Slurm(tmp_path / "ours").start()
    assert not list(etc.iterdir())


def test_without_packages_and_apt_the_reason_names_what_is_missing(etc, monkeypatch, tmp_path):
    monkeypatch.setattr(slurm.os, "geteuid", lambda: 0)
    monkeypatch.setattr(slurm.shutil, "which", lambda name, path=None: None)
    with pytest.raises(CannotRun, match=r"no munged, slurmctld, .* here, and no apt-get"):
        Slurm(tmp_path / "ours").start()


def test_two_runs_do_not_share_one_configuration(etc, tmp_path, monkeypatch):
    monkeypatch.setattr(slurm, "install", lambda: None)
    with open(etc / ".outofsample.lock", "w") as other:
        slurm.fcntl.flock(other, slurm.fcntl.LOCK_EX)
        (etc / "slurm.conf").write_text(slurm.MARK)
        ours = Slurm(tmp_path / "ours")
        with pytest.raises(CannotRun, match="another run"):
            ours.start()
        ours.stop()
    assert (etc / "slurm.conf").exists()
