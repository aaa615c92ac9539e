"""Any representation with any edit, for combinations that have no file of their own."""

from outofsample.methods.families.latent_edit import EditSettings, LatentEdit


class Method(LatentEdit):
    """Representation x edit, both named in the configuration: ``{uses: latent_edit, model: pca, edit: mean_shift}``."""

    Settings = EditSettings
