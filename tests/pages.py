"""A report as a browser would take it apart, and a small sheet that shows every block."""

from html.parser import HTMLParser
from typing import Any

import yaml

from service import report

VOID = {"meta", "img", "br", "hr", "input", "link", "polyline"}


class Page(HTMLParser):
    """What is in a page; `AssertionError` where its elements are not nested as they should be."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.addresses: list[str] = []
        """Of whatever a browser would load or go to."""
        self.elements: list[str] = []
        self.headings: list[str] = []
        self.text = ""
        self.code = ""
        """The text of `pre` alone."""
        self._open: list[str] = []
        self.feed(html)
        self.close()
        assert not self._open
        self.text = " ".join(self.text.split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        given = dict(attrs)
        self.ids += [value for name, value in attrs if name == "id" and value]
        self.addresses += [value or "" for name, value in given.items() if name in {"src", "href", "action", "data"}]
        self.addresses += [
            part for name, value in attrs if name == "style" and value for part in [value] if "url" in part
        ]
        assert not any(name.startswith("on") for name in given)
        if tag not in VOID:
            self._open.append(tag)
        if tag in {"h2", "h3"}:
            self.headings.append("")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self._open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" in self._open:
            assert "url(" not in data
            assert "@import" not in data
            return
        self.text += data
        if "pre" in self._open:
            self.code += data
        if self._open and {"h2", "h3"} & {*self._open}:
            self.headings[-1] = " ".join((self.headings[-1] + data).split())


def small_sheet() -> dict[str, Any]:
    """Every block, of a perceptron, a linear stack and a small convolutional network, three short runs each."""

    def both(text: str) -> dict[str, str]:
        return {"en": f"{text} (English)", "fr": f"{text} (français)"}

    def run(text: str, **more: Any) -> dict[str, Any]:
        return {"label": both(text), "seeds": [0, 1, 2]} | more

    quick = {"dataset": {"name": "digits", "train_size": 300}, "epochs": 2}
    names = ["one", "three", "cnn", "sizes"]
    return {
        "title": both("Small sheet <b>"),
        "introduction": both("All at once & quick"),
        "offline": {"dataset": {"train_size": 200}},
        "runs": {
            "one": run("one layer", spec={**quick, "architecture": "perceptron"}, evaluate_on=["synthetic"],
                       offline={"evaluate_on": ["synthetic"]}),
            "three": run("three layers", spec={**quick, "architecture": {"name": "mlp", "hidden": [8, 8]},
                                               "activation": "identity"}),
            "cnn": run("convolutions", spec={**quick, "architecture": {"name": "cnn", "channels": [4], "hidden": []}}),
            "sizes": run("sizes", spec={**quick, "architecture": "perceptron"}, seeds=[0],
                         grid={"dataset.train_size": [100, 200, 400]}),
        },
        "questions": [
            {
                "id": "everything",
                "title": both("Everything there is"),
                "text": both("First paragraph.\n\nSecond paragraph"),
                "theory": both("A theory"),
                "runs": names,
                "verdicts": [{"a": "three", "b": "one"}],
                "evidence": [
                    {"block": name, "runs": ["sizes"] if name == "sizes" else ["one", "three", "cnn"]}
                    for name in report.block_names()
                ],
            },
            {"id": "another", "title": both("Another"), "text": both("Again"), "runs": ["one"],
             "evidence": [{"block": "results"}]},
        ],
        "constraints": [
            {"id": "small", "text": both("Few parameters."), "measure": "parameters", "at_most": 700},
            {"id": "good", "text": both("Few mistakes."), "measure": "test_accuracy", "at_least": 0.5},
            {"id": "kind", "text": both("One layer."), "measure": "architecture", "one_of": ["perceptron"]},
        ],
    }  # fmt: skip


def written(sheet: dict[str, Any]) -> str:
    """As YAML."""
    return yaml.safe_dump(sheet, allow_unicode=True, sort_keys=False)
