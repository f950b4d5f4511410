"""What the job works on: a TOML file that maps the user's columns, checked before any long work."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from spillover.datasets import path as data_file
from spillover.errors import SchemaError, check_choice, did_you_mean
from spillover.linkage import FirmGroup, LinkageDefinition, LocalSourcing

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

SECTIONS: Mapping[str, tuple[str, ...]] = {
    "firms": ("file", "columns", "foreign_share_unit", "missing_keys"),
    "io": ("file", "format", "country", "year", "unit", "source", "layout", "labels"),
    "concordance": ("file", "source", "target", "match", "unmatched", "several"),
    "linkages": tuple(LinkageDefinition.__dataclass_fields__),
    "regression": ("outcome", "log_outcome", "controls", "log_controls", "absorb", "sample"),
}
GROUPS: Mapping[str, Callable[[], FirmGroup]] = {
    name: getattr(FirmGroup, name)
    for name in ("minority", "majority", "shared", "full", "exporters", "non_exporters")
}
_NAME = re.compile(r"[^\W\d]\w*(\^[^\W\d]\w*)*")


@dataclass(frozen=True)
class Settings:
    """A checked description of the job.

    Attributes
    ----------
    firms, io : pathlib.Path
        The panel and the table.
    sections : mapping
        The sections of the TOML file: firms, io, concordance, linkages, regression.
    folder : pathlib.Path
        What relative file names in the sections are relative to.
    truth : mapping of str to float
        True effects, where the data are the synthetic demonstration.
    """

    firms: Path
    io: Path
    sections: Mapping[str, Mapping[str, Any]]
    folder: Path
    truth: Mapping[str, float] = field(default_factory=dict)

    def section(self, name: str) -> Mapping[str, Any]:
        """Return one section, empty if the file has none.

        Parameters
        ----------
        name : str

        Returns
        -------
        mapping
        """
        return self.sections.get(name, {})

    @property
    def definition(self) -> LinkageDefinition:
        """How linkage measures are to be made.

        Returns
        -------
        LinkageDefinition
        """
        options = dict(self.section("linkages"))
        if "foreign" in options:
            check_choice("[linkages] foreign", options["foreign"], list(GROUPS))
            options["foreign"] = GROUPS[options["foreign"]]()
        if "local_sourcing" in options:
            options["local_sourcing"] = LocalSourcing.of(options["local_sourcing"])
        return LinkageDefinition(**options)

    @property
    def sample(self) -> Literal["all", "domestic", "foreign"]:
        """Whose productivity is explained; domestic firms by default.

        Returns
        -------
        str
        """
        sample: Literal["all", "domestic", "foreign"] = self.section("regression").get(
            "sample", "domestic"
        )
        return sample

    def beside(self, name: str) -> Path:
        """Return a file named in the settings.

        Parameters
        ----------
        name : str
            Relative to the settings' own folder.

        Returns
        -------
        pathlib.Path

        Raises
        ------
        SchemaError
            If it does not exist.
        """
        path = self.folder / name
        if not path.is_file():
            raise SchemaError(f"The settings name {name!r}, but there is no file at {path}.")
        return path


def read_settings(columns: Path, firms: Path | None = None, io: Path | None = None) -> Settings:
    """Read and check a settings file.

    Parameters
    ----------
    columns : pathlib.Path
        The TOML file; its sections and keys are :data:`SECTIONS`. ``[firms.columns]`` maps
        canonical names to the panel's own.
    firms, io : pathlib.Path, optional
        The panel and the table; by default the files that the settings name.

    Returns
    -------
    Settings

    Raises
    ------
    SchemaError
        For a file that is absent or no TOML, unknown sections or keys, and names of outcomes,
        controls or effects that are no plain column names (nothing in the file is evaluated).

    Examples
    --------
    >>> settings = read_settings(data_file("demo/map.toml"))
    >>> settings.firms.name, settings.definition.describe()
    ('firms.csv', 'Javorcik (2004)')
    """
    if not columns.is_file():
        raise SchemaError(f"There is no settings file at {columns}.")
    try:
        sections = tomllib.loads(columns.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SchemaError(f"{columns.name} is no valid TOML: {error}") from error
    _check_sections(sections, columns.name)
    folder = columns.resolve().parent
    settings = Settings(
        firms=_input(firms, sections, "firms", folder),
        io=_input(io, sections, "io", folder),
        sections=sections,
        folder=folder,
    )
    check_choice("[regression] sample", settings.sample, ("all", "domestic", "foreign"))
    _ = settings.definition  # fails here if an option is wrong
    return settings


def demo_settings() -> Settings:
    """Return the settings of the synthetic demonstration, with its truth.

    Returns
    -------
    Settings

    Examples
    --------
    >>> demo_settings().truth["backward"]
    0.5
    """
    from spillover.datasets import demo_truth  # noqa: PLC0415 (read only when asked for)

    settings = read_settings(data_file("demo/map.toml"))
    truth = demo_truth()
    effects = {name: float(truth[name]) for name in ("horizontal", "backward", "forward")}
    return Settings(settings.firms, settings.io, settings.sections, settings.folder, effects)


def _input(
    given: Path | None, sections: Mapping[str, Mapping[str, Any]], name: str, folder: Path
) -> Path:
    if given is None:
        file = sections.get(name, {}).get("file")
        if file is None:
            raise SchemaError(f"Give the {name} file: --{name} FILE, or file = in [{name}].")
        given = folder / str(file)
    if not given.exists():
        raise SchemaError(f"There is no file at {given} (--{name}).")
    return given


def _check_sections(sections: Mapping[str, Any], name: str) -> None:
    for section, content in sections.items():
        if section not in SECTIONS:
            hint = did_you_mean(section, list(SECTIONS))
            raise SchemaError(f"{name} has a section [{section}] that has no meaning.{hint}")
        if not isinstance(content, dict):
            raise SchemaError(f"{name}: {section} must be a section, [{section}].")
        for key in content:
            if key not in SECTIONS[section]:
                hint = did_you_mean(key, SECTIONS[section])
                raise SchemaError(f"{name}, [{section}]: {key!r} has no meaning.{hint}")
    regression = sections.get("regression", {})
    for key in ("outcome", "controls", "log_controls", "absorb"):
        values = regression.get(key, [])
        for value in [values] if isinstance(values, str) else values:
            if not isinstance(value, str) or not _NAME.fullmatch(value):
                raise SchemaError(
                    f"{name}, [regression] {key}: {value!r} is no column name (effects may be "
                    "joined by ^). Formulas are not taken from a file."
                )
