"""The catalogue of lab sheets: one YAML file each, and the file name is the public name.

A sheet is found by listing this folder, and the one that `ARDOISE_LABS_DIR` names, whose sheets come before bundled
ones of the same name. It is read anew whenever its file has changed, so that a teacher can write while the service
runs. What a sheet may say is `service/domain/lab.py`.
"""

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from service.domain.field_errors import field_errors, nearest_first
from service.domain.lab import Lab
from service.domain.lab_answers import LabItem, LabList
from service.errors import ConflictError, NotFoundError
from service.labs import _references

BUNDLED = Path(__file__).parent
LARGEST_BYTES = 1024 * 1024


def names(folder: Path | None) -> tuple[str, ...]:
    """The public names, sorted; of sheets that cannot be used, too."""
    return tuple(sorted(_files(folder)))


def load(name: str, *, folder: Path | None) -> Lab:
    """The sheet; `NotFoundError` where there is none, `ConflictError` with all that is wrong with its file."""
    files = _files(folder)
    if name not in files:
        raise NotFoundError(f"there is no lab {name[:60]!r}; there are {nearest_first(name, sorted(files))}")
    file = files[name]
    try:
        facts = file.stat()
        return _read(file, facts.st_mtime_ns, facts.st_size)
    except OSError as error:
        raise ConflictError(f"lab sheet {file} cannot be read: {error.strerror}") from error


def listing(folder: Path | None) -> LabList:
    """All of them; one that cannot be used says why and hides no other."""
    return LabList(items=tuple(_item(name, folder) for name in names(folder)))


def _item(name: str, folder: Path | None) -> LabItem:
    try:
        lab = load(name, folder=folder)
    except ConflictError as error:
        return LabItem(name=name, title=None, runs=0, questions=0, constraints=0, problem=error.message)
    return LabItem(
        name=name,
        title=lab.title,
        runs=len(lab.runs),
        questions=len(lab.questions),
        constraints=len(lab.constraints),
        problem=None,
    )


def _files(folder: Path | None) -> Mapping[str, Path]:
    found: dict[str, Path] = {}
    for each in (BUNDLED, folder):
        if each is not None and each.is_dir():
            found |= {file.stem: file for file in each.glob("*.yaml")}
    return found


@lru_cache(maxsize=64)
def _read(file: Path, changed_at: int, size: int) -> Lab:  # noqa: ARG001  # which version of the file it is
    if size > LARGEST_BYTES:
        raise ConflictError(f"lab sheet {file.name} has {size:,} bytes; at most {LARGEST_BYTES:,} are read")
    document = _parsed(file)
    try:
        lab = Lab.model_validate(document)
    except ValidationError as error:
        wrong = field_errors(error.errors(), Lab.model_json_schema(), document)
        raise _unusable(file, [f"{each.pointer.removeprefix('#/')}: {each.detail}" for each in wrong]) from error
    if wrong_names := _references.wrong(lab):
        raise _unusable(file, wrong_names)
    return lab


def _parsed(file: Path) -> Any:
    try:
        return yaml.load(file.read_text(encoding="utf-8"), Loader=_OneOfAKey)  # noqa: S506  # a SafeLoader
    except UnicodeDecodeError as error:
        raise _unusable(file, [f"byte {error.start} is no UTF-8"]) from error
    except RecursionError as error:
        raise _unusable(file, ["it is nested too deeply"]) from error
    except yaml.YAMLError as error:
        raise _unusable(file, [" ".join(str(error).split())]) from error


def _unusable(file: Path, reasons: list[str]) -> ConflictError:
    return ConflictError(f"lab sheet {file.name} cannot be used: {'; '.join(reasons)}")


class _OneOfAKey(yaml.SafeLoader):
    """YAML keeps the last of two equal keys and says nothing: a run would be lost."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # as PyYAML calls it
        seen: set[str] = set()
        for key, _ in node.value:
            if key.value in seen:
                raise yaml.MarkedYAMLError(problem=f"the key {key.value!r} is there twice", problem_mark=key.start_mark)
            seen.add(str(key.value))
        found: dict[Any, Any] = super().construct_mapping(node, deep=deep)
        return found
