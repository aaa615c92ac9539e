"""Parameters of an estimator that are those of a method by name, as scikit-learn wants them."""

import inspect

from sklearn.base import BaseEstimator

from outofsample.errors import InputError
from outofsample.methods.families.by_name import all_settings, check_names


class MethodParameters(BaseEstimator):
    """Keeps, beside the parameters of its signature, the ``settings`` of its ``method`` as parameters.

    Subclasses take ``method`` and ``**settings`` and keep both under these names.
    """

    def get_params(self, deep: bool = True) -> dict:
        """Return all parameters, with every setting of the method and of its model."""
        parameters = super().get_params(deep)
        try:
            return {**parameters, **all_settings(str(self.method), self.settings)}
        except InputError:
            # `fit` says what is wrong.
            return {**parameters, **self.settings}

    def set_params(self, **params) -> "MethodParameters":
        """Set parameters or settings, and return self.

        With another ``method`` or ``model`` the settings stay that differ from the defaults of the one before.

        Raises
        ------
        InputError
            If the method has no such setting. Values are looked at by `fit` alone.
        """
        own = self._get_param_names()
        settings = {name: value for name, value in params.items() if name not in own}
        before = {"method": self.method, "model": self.settings.get("model")}
        another = any(name in params and str(params[name]) != str(value) for name, value in before.items())
        kept = {**(self._changed_settings() if another else self.settings), **settings}
        if settings:
            check_names(str(params.get("method", self.method)), kept)
        for name in params.keys() - settings.keys():
            setattr(self, name, params[name])
        self.settings = kept
        return self

    def _changed_settings(self) -> dict:
        """Return the settings that differ from the method's defaults."""
        chosen = {name: value for name, value in self.settings.items() if name == "model"}
        try:
            defaults = {
                **all_settings(str(self.method), chosen),
                "model": all_settings(str(self.method), {}).get("model"),
            }
        except InputError:
            defaults = {}
        # By their text, since arrays do not say whether they are equal.
        said = {name: repr(value) for name, value in defaults.items()}
        return {name: value for name, value in self.settings.items() if repr(value) != said.get(name)}

    def __repr__(self, N_CHAR_MAX: int = 700) -> str:
        signature = inspect.signature(type(self).__init__).parameters
        plain = {name: getattr(self, name) for name in self._get_param_names() if name != "method"}
        changed = {name: value for name, value in plain.items() if repr(value) != repr(signature[name].default)}
        parts = [f"{name}={value!r}" for name, value in (changed | self._changed_settings()).items()]
        return f"{type(self).__name__}({', '.join([repr(self.method), *parts])})"[:N_CHAR_MAX]
