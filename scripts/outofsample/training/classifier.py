"""Fitting the small classifier of a task's images, for Frechet distances of its features.

It learns every label of the images at once: condition, domain, and the further columns of obs with few values, such
as digits or attributes. It never sees the truth, so neither how the held-out images look nor that they exist.
"""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from outofsample.files.task import TrainingRows

if TYPE_CHECKING:
    import pandas as pd

#: Steps of 64 images, at most: about 13 epochs of 1,500 images. Stops after 5 epochs without a better loss.
STEPS = 300
BATCH = 64
PATIENCE = 5
#: Images, at most, that features are standardised over after the training.
SETTLE = 10_000
#: Columns with more values are names, not labels; the others say what is done with an image, not what it shows.
MOST_CLASSES = 20
NO_LABELS = ("role", "pair_id", "query")


def labels_of(obs: "pd.DataFrame") -> dict[str, tuple[list[str], np.ndarray]]:
    """Return for each label of the images (rows of ``obs``) its classes and the class (images,) of each, from 0.

    A label is a column of words, whole numbers or truth values, with 2 to `MOST_CLASSES` different ones and none
    missing.
    """
    import pandas as pd

    labels = {}
    for column in obs.columns:
        values = obs[column]
        if column in NO_LABELS or values.isna().any() or pd.api.types.is_float_dtype(values):
            continue
        classes, codes = np.unique(values.astype(str), return_inverse=True)
        if 2 <= len(classes) <= MOST_CLASSES:
            labels[column] = classes.tolist(), codes
    return labels


def fit_classifier(images: np.ndarray, labels: dict[str, tuple[list[str], np.ndarray]], seed: int) -> tuple[dict, dict]:
    """Train a classifier of images (images, height, width, channels) uint8; same seed, same bits.

    Returns
    -------
    The state of `outofsample.files.classifier`, and the history's row of the best epoch, which has the accuracy of
    each label on held-out images.
    """
    import torch
    from torch.nn.functional import cross_entropy

    from outofsample.networks.classifier import Classifier
    from outofsample.training.budget import Budget
    from outofsample.training.loop import train
    from outofsample.training.player import Player

    torch.manual_seed(seed)
    network = Classifier(images.shape[1:], [len(classes) for classes, _ in labels.values()])

    def terms(batches):
        all_logits, wanted = network(batches[0]["images"].permute(0, 3, 1, 2)), batches[0]["labels"].unbind(1)
        pairs = list(zip(all_logits, wanted, strict=True))
        accuracies = [(logits.argmax(1) == label).float().mean() for logits, label in pairs]
        loss = torch.stack([cross_entropy(logits, label) for logits, label in pairs]).mean()
        return {"loss": loss} | {f"accuracy_{name}": value for name, value in zip(labels, accuracies, strict=True)}

    codes = torch.from_numpy(np.stack([codes for _, codes in labels.values()], axis=1))
    group = {"images": torch.from_numpy(images), "labels": codes}
    budget = Budget(1, BATCH, patience=PATIENCE, max_steps=STEPS, validation_chunk=256)
    history = train(network, [Player("classifier", list(network.parameters()), terms)], [group], budget, seed)
    network.settle(group["images"][:: -(-len(images) // SETTLE)].permute(0, 3, 1, 2))
    state = {
        "image_shape": list(images.shape[1:]),
        "labels": {name: classes for name, (classes, _) in labels.items()},
        "network": network.state_dict(),
    }
    return state, min(history, key=lambda row: row.get("validation_loss", row["classifier_loss"]))


def fit_task(train: str | Path, seed: int) -> tuple[dict, list[str]]:
    """Train a classifier of the images of a task's training part, ``train``.

    Returns
    -------
    The state of `outofsample.files.classifier`, and a line per label with its accuracy on held-out images.

    Raises
    ------
    UserError
        If it is no training part, or one without images.
    """
    cells = TrainingRows(train).with_images()
    # Reference images are for batch correctors alone.
    rows = np.flatnonzero(cells.column("role") != "reference")
    images = np.ascontiguousarray(cells.values(rows), dtype=np.uint8).reshape(-1, *cells.shape)
    labels = labels_of(cells.obs.iloc[rows])
    state, best = fit_classifier(images, labels, seed)
    accuracies = {name: best.get(f"validation_accuracy_{name}", best[f"classifier_accuracy_{name}"]) for name in labels}
    classes = {name: len(names) for name, (names, _) in labels.items()}
    return state, [f"{name} ({classes[name]} classes): accuracy {found:.3f}" for name, found in accuracies.items()]
