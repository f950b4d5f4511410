"""The estimators by name: where they are, what they need, what they assume by default."""

from __future__ import annotations

import inspect
from dataclasses import dataclass, fields
from importlib import import_module
from typing import TYPE_CHECKING, Any

from spillover.errors import SchemaError, check_choice, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import ModuleType

    import numpy as np
    from numpy.typing import NDArray

    from spillover.production.data import Inputs
    from spillover.production.estimate import Estimate


@dataclass(frozen=True)
class Method:
    """One estimator.

    Attributes
    ----------
    module, name, settings : str
        Module under ``spillover.production``, its estimator ``estimate_<name>`` and settings class.
    proxy : str or None
        Default column of the proxy; None where the method takes none.
    output : str
        Default output.
    materials_free : bool
        Whether materials are among the free inputs by default when output is gross.
    proxy_optional : bool
        Whether rows without the proxy stay.
    drivers : bool
        Whether the method has a law of motion to put drivers in.
    """

    module: str
    name: str
    settings: str
    proxy: str | None
    output: str = "value_added"
    materials_free: bool = False
    proxy_optional: bool = False
    drivers: bool = True

    def settings_class(self) -> type[Any]:
        """Import the settings class.

        Returns
        -------
        type
        """
        found: type[Any] = getattr(self._home(), self.settings)
        return found

    def estimator(self, settings: object) -> Bound:
        """Return the estimator with its settings bound.

        Parameters
        ----------
        settings : object

        Returns
        -------
        Bound
        """
        return Bound(self, settings)

    def function(self) -> Callable[..., Estimate]:
        """Import the estimator.

        Returns
        -------
        callable
        """
        found: Callable[..., Estimate] = getattr(self._home(), f"estimate_{self.name}")
        return found

    def _home(self) -> ModuleType:
        return import_module(f"spillover.production.{self.module}")


@dataclass(frozen=True)
class Bound:
    """An estimator with its settings; can be sent to another process."""

    method: Method
    settings: object

    def __call__(self, inputs: Inputs, near: NDArray[np.float64] | None = None) -> Estimate:
        """Estimate, starting from ``near`` alone where the method can."""
        function = self.method.function()
        if near is not None and "near" in inspect.signature(function).parameters:
            return function(inputs, self.settings, near=near)
        return function(inputs, self.settings)


METHODS: Mapping[str, Method] = {
    "index": Method(
        "index", "index", "Index", None, output="output", materials_free=True, drivers=False
    ),
    "ols": Method("ols", "ols", "Ols", None, materials_free=True, drivers=False),
    "fe": Method("ols", "fe", "Fe", None, materials_free=True, drivers=False),
    "bb": Method("bb", "bb", "Bb", None, materials_free=True, drivers=False),
    "op": Method("op", "op", "Op", "investment", materials_free=True, proxy_optional=True),
    "lp": Method("lp", "lp", "Lp", "materials"),
    "acf": Method("acf", "acf", "Acf", "materials"),
    "wooldridge": Method("wooldridge", "wooldridge", "Wooldridge", "materials"),
    "gnr": Method("gnr", "gnr", "Gnr", "materials", output="output"),
}


def method_named(name: object) -> Method:
    """Look an estimator up.

    Parameters
    ----------
    name : str

    Returns
    -------
    Method

    Raises
    ------
    SchemaError
    """
    check_choice("method", name, list(METHODS))
    return METHODS[str(name)]


def make_settings(
    name: str, method: Method, settings: object | None, options: Mapping[str, object]
) -> object:
    """Take the settings given, or build them from keyword arguments.

    Parameters
    ----------
    name : str
    method : Method
    settings : object, optional
    options : mapping

    Returns
    -------
    object

    Raises
    ------
    SchemaError
        For settings of another method, unknown options, or both ways at once.
    """
    kind = method.settings_class()
    if settings is not None:
        if options:
            raise SchemaError(
                f"Give settings={kind.__name__}(...) or {', '.join(options)} by keyword, not both."
            )
        if not isinstance(settings, kind):
            raise SchemaError(
                f"settings is a {type(settings).__name__}; method={name!r} takes "
                f"sp.production.{kind.__name__}(...)."
            )
        return settings
    known = [field.name for field in fields(kind)]
    for option in options:
        if option not in known:
            hint = did_you_mean(option, known)
            raise SchemaError(f"method={name!r} has no option {option!r}.{hint}")
    return kind(**options)
