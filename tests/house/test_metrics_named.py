"""Does every metric and label exist that document, dashboard and alerts name, and is each documented?"""

import json
import re
from collections.abc import Iterator

import pytest
import yaml

from config import ROOT
from dashboard import metrics

SERIES = {
    name: {*metric.labels, *({"le"} if name.endswith("_bucket") else ())}
    for metric in metrics.ALL
    for name in (
        [f"{metric.name}_{part}" for part in ("bucket", "count", "sum")]
        if metric.type is metrics.Type.HISTOGRAM
        else [metric.name]
    )
} | {"up": {"job", "instance"}}
# Of PromQL; a name before a bracket is a function.
WORDS = {"by", "without", "on", "ignoring", "and", "or", "unless", "bool", "offset", "group_left", "group_right"}
# Those that stand between two series; behind the others comes a list of labels.
OPERATORS = {"and", "or", "unless", "bool", "offset"}
TOKEN = re.compile(r'"[^"]*"|\[[^\]]*\]|\{|\}|\(|\)|[a-zA-Z_:$][\w:]*|[^\s]')


def expressions() -> Iterator[str]:
    rules = yaml.safe_load((ROOT / "deploy/prometheus/alerts.yml").read_text())
    yield from (rule["expr"] for group in rules["groups"] for rule in group["rules"])
    dashboard = json.loads((ROOT / "deploy/grafana/vestnik.json").read_text())
    yield from (target["expr"] for panel in dashboard["panels"] for target in panel["targets"])


def named(expression: str) -> tuple[set[str], set[str]]:
    """Series, and labels (in braces, and in the brackets after `by` and its like)."""
    series: set[str] = set()
    labels: set[str] = set()
    tokens = TOKEN.findall(expression)
    in_braces = in_list = False
    for before, token, after in zip(["", *tokens], tokens, [*tokens[1:], ""], strict=False):
        in_braces = token == "{" or (in_braces and token != "}")
        in_list = (token == "(" and before in WORDS) or (in_list and token != ")")
        if not re.fullmatch(r"[a-zA-Z_:][\w:]*", token) or token in WORDS:
            continue
        if in_braces or in_list:
            labels.add(token)
        elif after != "(" and after not in WORDS - OPERATORS:
            series.add(token)
    return series, labels


def test_the_reader_of_expressions_tells_series_labels_and_functions_apart() -> None:
    found = named('sum by (le, a) (rate(x_bucket{b="y_z",c!="d"}[5m])) > 3 and on() time() - z:w')

    assert found == ({"x_bucket", "z:w"}, {"le", "a", "b", "c"})


@pytest.mark.parametrize("expression", sorted(expressions()))
def test_what_the_dashboard_and_the_alerts_ask_for_exists(expression: str) -> None:
    series, labels = named(expression)

    assert series
    assert series <= SERIES.keys()
    assert labels <= set.union(*(SERIES[name] for name in series))


def test_each_metric_is_documented_as_it_is_and_seen_in_the_dashboard() -> None:
    text = (ROOT / "docs/metrics.md").read_text()
    rows = re.findall(r"^\| `(vestnik_\w+)` \| (\w+) \| (.*?) ?\| (.*) \|$", text, re.MULTILINE)
    shown = {name for expression in expressions() for name in named(expression)[0]}

    assert [(name, kind, tuple(re.findall(r"`(\w+)`", labels)), says) for name, kind, labels, says in rows] == [
        (metric.name, metric.type.value, metric.labels, metric.help) for metric in metrics.ALL
    ]
    assert [
        metric.name
        for metric in metrics.ALL
        if not shown & {metric.name, f"{metric.name}_count", f"{metric.name}_bucket"}
    ] == []


def test_each_alert_says_what_to_do() -> None:
    rules = yaml.safe_load((ROOT / "deploy/prometheus/alerts.yml").read_text())
    advised = set(re.findall(r"`(Vestnik\w+)`", (ROOT / "docs/metrics.md").read_text()))

    assert advised == {rule["alert"] for group in rules["groups"] for rule in group["rules"]}
