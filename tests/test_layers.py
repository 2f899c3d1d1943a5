"""The house's order, read from the source: who may import what, and what files may be called."""

import ast
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
HEAVY = ("torch", "torchvision", "sklearn", "matplotlib", "scipy", "onnx", "onnxruntime")
VAGUE = {"utils", "util", "helpers", "helper", "common", "base", "manager", "misc"}
CATALOGUES = ("service.activations", "service.architectures", "service.datasets")


@dataclass(frozen=True)
class Import:
    """One imported name, and where."""

    path: str
    line: int
    module: str
    """In full; for `from a import b` it is `a.b`."""
    relative: bool
    at_start: bool
    """True where it happens as soon as the file is imported."""

    def __str__(self) -> str:
        return f"{self.path}:{self.line} imports {self.module}"

    def of(self, *packages: str) -> bool:
        """True where the module is one of these or lies in one."""
        return any(self.module == each or self.module.startswith(each + ".") for each in packages)

    def by(self, *paths: str) -> bool:
        """True where the importing file is one of these or lies in one of these folders."""
        return any(self.path == each or (each.endswith("/") and self.path.startswith(each)) for each in paths)


Rule = Callable[[Path], list[str]]


def files(root: Path) -> Iterator[Path]:
    """All source, tests left out."""
    for folder in ("service", "workers", "alembic"):
        yield from sorted((root / folder).rglob("*.py"))


def imports(root: Path) -> Iterator[Import]:
    """Every import statement of the source."""
    for file in files(root):
        yield from _read(file.relative_to(root).as_posix(), file.read_text())


@cache
def _read(path: str, source: str) -> tuple[Import, ...]:
    return tuple(_imports(ast.parse(source, path), path, at_start=True))


def _imports(node: ast.AST, path: str, *, at_start: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        match child:
            case ast.Import(names=names):
                for name in names:
                    yield Import(path, child.lineno, name.name, relative=False, at_start=at_start)
            case ast.ImportFrom(module=module, names=names, level=level):
                for name in names:
                    yield Import(path, child.lineno, f"{module or ''}.{name.name}", level > 0, at_start)
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.Lambda():
                yield from _imports(child, path, at_start=False)
            case ast.If(test=ast.Name(id="TYPE_CHECKING")):
                for part in child.body:
                    yield from _imports(ast.Module([part], []), path, at_start=False)
                for part in child.orelse:
                    yield from _imports(ast.Module([part], []), path, at_start=at_start)
            case _:
                yield from _imports(child, path, at_start=at_start)


def only(packages: tuple[str, ...], *paths: str) -> Rule:
    """These packages are imported nowhere else, not even inside a function."""

    def rule(root: Path) -> list[str]:
        return [str(each) for each in imports(root) if each.of(*packages) and not each.by(*paths)]

    return rule


def within(path: str, *allowed: str) -> Rule:
    """Of the project's own, what lies at `path` imports these packages alone."""

    def rule(root: Path) -> list[str]:
        ours = (each for each in imports(root) if each.by(path) and each.of("service", "workers"))
        return [str(each) for each in ours if each.module != "service" and not each.of(*allowed)]

    return rule


def nothing_but_pydantic_in_the_domain(root: Path) -> list[str]:
    """Beside the standard library."""
    light = {*sys.stdlib_module_names, "pydantic", "pydantic_core", "service"}
    found = (each for each in imports(root) if each.by("service/domain/"))
    return [str(each) for each in found if each.module.partition(".")[0] not in light]


def heavy_libraries_wait_until_they_are_used(root: Path) -> list[str]:
    """At the start of a file they are imported by workers alone, and by a catalogue's files that are no entry of it."""

    def is_kept_apart(each: Import) -> bool:
        path = Path(each.path)
        in_catalogue = path.parent.as_posix() in {"service/architectures", "service/datasets"}
        return each.by("workers/") or (in_catalogue and path.name.startswith("_") and path.name != "__init__.py")

    return [str(each) for each in imports(root) if each.at_start and each.of(*HEAVY) and not is_kept_apart(each)]


def no_import_is_relative(root: Path) -> list[str]:
    """A full name says where a thing lives."""
    return [str(each) for each in imports(root) if each.relative]


def no_name_says_nothing(root: Path) -> list[str]:
    """Of no file and no folder."""
    parts = {part for file in files(root) for part in file.relative_to(root).with_suffix("").parts}
    return sorted(part for part in parts if set(part.strip("_").split("_")) & VAGUE)


def no_files_import_each_other(root: Path) -> list[str]:
    """Nor in a ring; imports inside functions and for annotations are left out."""
    modules = {_module(file.relative_to(root)) for file in files(root)}
    graph: dict[str, set[str]] = {module: set() for module in modules}
    for each in imports(root):
        if each.at_start:
            importer = _module(Path(each.path))
            target = each.module if each.module in modules else each.module.rpartition(".")[0]
            if target in modules and target != importer:
                graph[importer].add(target)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return [" <- ".join(error.args[1])]
    return []


def _module(path: Path) -> str:
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


TORCH_PLACES = (
    "workers/",
    "service/architectures/",
    "service/datasets/",
    "service/inference/",
    "service/activations.py",
    "service/checkpoints.py",
    "service/torchvision_operators.py",
)
FACE = ("service.api", "service.app", "service.serving", "service.cli")
FACE_PLACES = ("service/api/", "service/app.py", "service/serving.py", "service/cli/")
BELOW = ("service.domain", "service.errors", *CATALOGUES)

# Each rule with a file that breaks it: path and line.
RULES: dict[str, tuple[Rule, str, str]] = {
    "the service never imports the workers": (
        only(("workers",), "workers/"),
        "service/storage/queue.py",
        "def claim():\n    from workers import run",
    ),
    "torch is the networks', the data sets' and the workers' affair": (
        only(("torch", "torchvision", "safetensors"), *TORCH_PLACES),
        "service/api/metrics.py",
        "def handler():\n    import torch.nn",
    ),
    "ONNX is written and run where networks are run": (
        only(("onnx", "onnxruntime"), "service/inference/"),
        "service/exporting.py",
        "def export():\n    import onnx",
    ),
    "SQL is spoken in storage alone": (
        only(("sqlalchemy", "alembic"), "service/storage/", "alembic/"),
        "service/submission.py",
        "from sqlalchemy.orm import Session",
    ),
    "HTTP is spoken in the API and where it is served": (
        only(("fastapi", "starlette"), "service/api/", "service/app.py", "service/serving.py"),
        "service/storage/listing.py",
        "from fastapi import Query",
    ),
    "the server is started in one place": (
        only(("uvicorn",), "service/api/connections.py", "service/api/server.py", "service/serving.py"),
        "service/app.py",
        "import uvicorn",
    ),
    "only what faces the outside knows what faces the outside": (
        only(FACE, *FACE_PLACES),
        "service/submission.py",
        "from service.api import problems",
    ),
    "the API speaks to no terminal": (
        only(("typer", "rich"), "service/cli/"),
        "service/api/queue.py",
        "from rich import print",
    ),
    "the domain knows records, errors and the names in the catalogues": (
        within("service/domain/", *BELOW),
        "service/domain/experiment.py",
        "from service.storage import tables",
    ),
    "the domain needs nothing but pydantic": (
        nothing_but_pydantic_in_the_domain,
        "service/domain/curves.py",
        "def mean():\n    import numpy",
    ),
    "storage knows the domain, not the files or the networks": (
        within("service/storage/", "service.storage", "service.telemetry", *BELOW[:2]),
        "service/storage/checkpoints.py",
        "from service import checkpoints",
    ),
    "what is counted knows nothing of what counts": (
        within("service/telemetry/", "service.telemetry"),
        "service/telemetry/sums.py",
        "from service.settings import Settings",
    ),
    "analysis is computed from records": (
        within("service/analysis/", "service.analysis", *BELOW),
        "service/analysis/curves.py",
        "from service.storage import metrics",
    ),
    "inference knows no database": (
        within(
            "service/inference/",
            "service.inference",
            "service.checkpoints",
            "service.telemetry",
            *BELOW,
        ),
        "service/inference/models.py",
        "from service.storage import checkpoints",
    ),
    "checkpoints are files and know no database": (
        within("service/checkpoints.py", "service.failpoints", *BELOW),
        "service/checkpoints.py",
        "from service.storage import checkpoints",
    ),
    "heavy libraries wait until they are used": (
        heavy_libraries_wait_until_they_are_used,
        "service/checkpoints.py",
        "import torch",
    ),
    "no import is relative": (no_import_is_relative, "service/api/queue.py", "from . import metrics"),
    "no files import each other": (
        no_files_import_each_other,
        "service/domain/record.py",
        "from service.domain.metrics import EpochMetrics",
    ),
    "no name says nothing": (no_name_says_nothing, "service/domain/spec_utils.py", ""),
}


@pytest.mark.parametrize("name", RULES)
def test_the_source_keeps_the_rule(name: str) -> None:
    rule, *_ = RULES[name]
    assert rule(ROOT) == []


@pytest.mark.parametrize("name", RULES)
def test_a_file_that_breaks_the_rule_is_found(name: str, tmp_path: Path) -> None:
    rule, path, line = RULES[name]
    for file in files(ROOT):
        copy = tmp_path / file.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(file.read_bytes())
    broken = tmp_path / path
    broken.write_text((broken.read_text() if broken.exists() else "") + f"\n{line}\n")
    assert len(rule(tmp_path)) == 1


def test_the_source_is_where_it_is_looked_for() -> None:
    found = {file.relative_to(ROOT).as_posix() for file in files(ROOT)}
    assert {"service/app.py", "service/storage/queue.py", "workers/trainer.py", "alembic/env.py"} <= found
    assert sum(1 for _ in imports(ROOT)) > 300


def test_the_api_starts_without_the_heavy_libraries() -> None:
    """What the rules promise, seen in the process: reading specs and serving them takes none of these."""
    program = f"import service.app, service.storage.migrations, sys; print({{*{HEAVY!r}}} & {{*sys.modules}})"
    ended = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ended.stdout == "set()\n"
