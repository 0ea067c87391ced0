"""Does every verb that writes leave a line in the audit log? Read off the source: who can reach `audit.note`?"""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from flask import Flask, get_template_attribute

from config import ROOT
from dashboard.domain.audit import Thing
from dashboard.domain.mailings import Verb
from tests.support.sources import nodes

DOMAIN = ROOT / "dashboard" / "domain"
NOTES = {"audit.note", "audit.note_alone"}
# What opens a transaction and leaves no line, and why that is no gap.
EXCEPTIONS = {
    "The engine's own work: its story stands in messages, attempts, tallies and events.": (
        *("breaker.close", "breaker.keep", "breaker.open_", "breaker.probe_failed"),
        *("breaker.return_probe", "breaker.take_probe"),
        *("closing._close_some", "fan_out._next_range", "ids.take", "lanes.move_on", "outbox.renew"),
        *("recovery._recover_flights", "recovery._recover_leased", "releasing.release", "releasing.release_all"),
        *("settling._settle", "strays.reclaim", "sweep._finish", "sweep.sweep_if_due"),
        "digest.write",
        *("webhooks.deliveries.sweep", "webhooks.delivering._claim_some", "webhooks.settlements._gather_some"),
    ),
    "Carries out what was noted when a person asked for it.": (
        *("handing_over._step", "mails._end", "mails._give_back", "mails._take"),
        *("client_bulk_running._release", "client_bulk_running._take", "client_bulk_running._write"),
        *("client_bulk_running.work", "imports.checking._forget", "imports.checking._note"),
        *("imports.checking.run", "imports.leases.end", "imports.leases.let_go", "imports.leases.take"),
        *("imports.running._write_batch", "imports.running.work", "sample_clients._add", "sample_clients._remove"),
        *(
            "folding._remove_some",
            "trials._take",
            "trials._write",
            "erasing._erase_message",
            "erasing._erase_trials",
            "erasing._give_up_what_is_in_doubt",
            "erasing._rename_clients",
        ),
        *("erasing_traces._clear_audit", "erasing_traces._drop_drafts", "erasing_traces._each"),
    ),
    "Holds a row for the verb that is called inside.": (
        *(
            "clients.held",
            "imports.views.held",
            "mailings.held",
            "single_messages.held",
            "webhooks.endpoints.held",
        ),
    ),
    "Makes a form or a request bear repetition, and changes nothing that anybody else sees.": (
        *("form_drafts.drop", "form_drafts.keep", "idempotency.begin", "idempotency.forget", "idempotency.keep"),
        *("imports.uploads.keep_mapping", "half_sign_ins.begin", "half_sign_ins.use_up", "mailings.release"),
    ),
    "When something was used last, or the same password under better parameters.": (
        *("api_tokens._touch", "sessions._touch", "users._hash_anew"),
    ),
    "`flask demo`, for an installation that nobody works with yet.": ("demo._add_clients",),
}
EXCEPTED = {name for names in EXCEPTIONS.values() for name in names}


def functions() -> dict[str, ast.FunctionDef]:
    """By module and name, as `webhooks.endpoints.make`."""
    return {
        f"{module}.{node.name}": node
        for path in DOMAIN.rglob("*.py")
        for module in [name_of(path)]
        for node in nodes(path)
        if isinstance(node, ast.FunctionDef)
    }


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(DOMAIN).with_suffix("").parts)


def mentioned(module: str, node: ast.FunctionDef) -> Iterator[str]:
    """What this function may call: names of its own module, and those of modules by their last name."""
    for each in ast.walk(node):
        if isinstance(each, ast.Name):
            yield f"{module}.{each.id}"
        elif isinstance(each, ast.Attribute) and isinstance(each.value, ast.Name):
            yield f"{each.value.id}.{each.attr}"
            if "." in module:
                yield f"{module.rpartition('.')[0]}.{each.value.id}.{each.attr}"


def writes(node: ast.FunctionDef) -> bool:
    calls = (each for each in ast.walk(node) if isinstance(each, ast.With) for each in each.items)
    return any(
        isinstance(item.context_expr, ast.Call)
        and isinstance(item.context_expr.func, ast.Name)
        and item.context_expr.func.id == "transaction"
        for item in calls
    )


@cache
def silent() -> frozenset[str]:
    """Functions that open a transaction, and neither note anything nor call anybody who does."""
    found = functions()
    mentions = {name: set(mentioned(name.rpartition(".")[0], node)) for name, node in found.items()}
    for each in mentions.values():
        each.discard("erased.stop_again")  # notes something else, and hardly ever
    noting = {name for name in found if mentions[name] & NOTES} | NOTES
    while more := {name for name in found if name not in noting and mentions[name] & noting}:
        noting |= more
    return frozenset(name for name, node in found.items() if writes(node) and name not in noting)


def test_whatever_is_done_is_noted_or_listed_with_a_reason() -> None:
    unnoted = silent() - EXCEPTED

    assert unnoted == set()


def test_nothing_is_listed_that_is_noted_or_gone() -> None:
    stale = EXCEPTED - silent()

    assert stale == set()


def noted() -> Iterator[str]:
    """What the log may say was done, as `mailing.pause`."""
    yield from (f"{Thing.MAILING}.{verb.value}" for verb in Verb)
    for path in DOMAIN.rglob("*.py"):
        for node in nodes(path):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in NOTES:
                begins = 1 if ast.unparse(node.func) == "audit.note_alone" else 2
                verb, thing = node.args[begins : begins + 2]
                yield from _named(verb, thing)
            elif isinstance(node, ast.Call) and ast.unparse(node.func) == "Told":
                yield from _named(node.args[0], ast.parse("Thing.MAILING", mode="eval").body)


def _named(verb: ast.expr, thing: ast.expr) -> Iterator[str]:
    words = [each.value for each in ast.walk(verb) if isinstance(each, ast.Constant)]
    assert isinstance(thing, ast.Attribute), ast.unparse(thing)
    yield from (f"{Thing[thing.attr].value}.{word}" for word in words)


def test_the_log_has_words_for_whatever_is_noted_and_for_nothing_else(app: Flask) -> None:
    with app.test_request_context():
        verbs = get_template_attribute("audit/_words.html", "VERBS")
        things = get_template_attribute("audit/_words.html", "THINGS")

    assert set(verbs) == set(noted())
    assert set(things) == set(Thing)
