"""Where the files of a study stand, below ``results/STUDY/``; the one place that knows the layout.

Names may be wildcards of Snakemake: ``paths.prediction("{task}", "{method}")`` is the pattern of all prediction files.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from outofsample.own.leftovers import lists_folder


@dataclass(frozen=True)
class Paths:
    """The files of one study; ``results`` is its folder."""

    results: str

    def raw(self, dataset: str, file: str) -> str:
        """Return the copy of a raw file."""
        return f"{self.results}/raw/{dataset}/{file}"

    def simulated(self, dataset: str, file: str) -> str:
        """Return a raw file that is simulated."""
        return f"{self.results}/simulated/{dataset}/{file}"

    def dataset(self, dataset: str) -> str:
        """Return a dataset as one AnnData."""
        return f"{self.results}/datasets/{dataset}.h5ad"

    def train(self, task: str) -> str:
        """Return the training part of a task."""
        return f"{self.results}/tasks/{task}/train.h5ad"

    def truth(self, task: str) -> str:
        """Return the truth of a task."""
        return f"{self.results}/tasks/{task}/truth.h5ad"

    def fitted(self, task: str, model: str, batch: str) -> str:
        """Return the fitted states of a batch of seeds."""
        return f"{self.results}/models/{task}/{model}/seeds_{batch}.pt"

    def history(self, task: str, model: str, batch: str) -> str:
        """Return the losses of a batch of seeds."""
        return f"{self.results}/models/{task}/{model}/history_{batch}.csv"

    def checkpoints(self, task: str, model: str) -> str:
        """Return the folder that interrupted trainings go on from; no output of any rule, so that it outlives a job."""
        return f"{self.results}/checkpoints/{task}/{model}"

    def classifier(self, task: str) -> str:
        """Return the classifier of the images of a task."""
        return f"{self.results}/classifiers/{task}.pt"

    def prediction(self, task: str, method: str) -> str:
        """Return the predictions of a method."""
        return f"{self.results}/predictions/{task}/{method}.h5ad"

    def methods(self, task: str, group: str) -> str:
        """Return the fitted methods that stand on one model, for a cohort."""
        return f"{self.results}/methods/{task}/{group}.pt"

    def correction(self, task: str, group: str) -> str:
        """Return the fitted method that R computed, for a cohort."""
        return f"{self.results}/methods/{task}/{group}.json"

    def handed_back(self, task: str, group: str, job: str) -> str:
        """Return what was predicted of some files of a cohort, in numbers."""
        return f"{self.results}/cohort/{task}/{group}/{job}.json"

    def scores(self, task: str) -> str:
        """Return the scores of a task."""
        return f"{self.results}/scores/{task}.csv"

    def table(self, name: str, suffix: str) -> str:
        """Return a table as csv, md or tex."""
        return f"{self.results}/tables/{name}.{suffix}"

    def figure(self, name: str, suffix: str) -> str:
        """Return a figure as pdf, png or html."""
        return f"{self.results}/figures/{name}.{suffix}"

    def own(self, task: str, method: str) -> str:
        """Return the folder of predictions in the format of the user's own files."""
        return f"{self.results}/own/{task}/{method}"

    def changes(self, task: str, method: str, suffix: str) -> str:
        """Return the report of what a method changed in the user's own cells, as html or csv."""
        return f"{self.results}/own/{task}/{method}_changes.{suffix}"

    def own_task(self, task: str) -> str:
        """Return the folder of a task of the user's own data."""
        return f"{self.results}/own/{task}"

    def files_table(self, task: str, method: str) -> str:
        """Return the table of what a method predicted in each file of a cohort."""
        return f"{self.results}/own/{task}/{method}_files.csv"

    def lists(self, task: str, method: str) -> str:
        """Return the folder with the extrapolated cells of each file of a cohort."""
        return str(lists_folder(Path(self.own_task(task)), method))

    def tuning(self, suffix: str) -> str:
        """Return the chosen settings as csv, md or yaml."""
        return f"{self.results}/tuning/chosen.{suffix}"

    @property
    def claims(self) -> str:
        """The verdicts on the papers' claims."""
        return f"{self.results}/claims.csv"

    @property
    def page(self) -> str:
        """The page of the study."""
        return f"{self.results}/page.html"

    @property
    def benchmarks(self) -> str:
        """The folder with the times of all jobs."""
        return f"{self.results}/benchmarks"

    def log(self, *parts: str) -> str:
        """Return the log of a job: the rule, then what tells its jobs apart."""
        return os.path.join(self.results, "logs", *parts) + ".log"

    def benchmark(self, *parts: str) -> str:
        """Return the time and memory of a job: the rule, then what tells its jobs apart."""
        return os.path.join(self.benchmarks, *parts) + ".tsv"
