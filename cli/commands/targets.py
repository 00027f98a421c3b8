"""``paritygate targets``: what is known of the targets that models are checked against."""

from __future__ import annotations

import click


@click.group(
    invoke_without_command=True, epilog="\b\nExamples:\n  paritygate targets\n  paritygate targets show tensorrt"
)
@click.pass_context
def targets(context: click.Context) -> int:
    """List the targets of `paritygate check`, or explain one."""
    if context.invoked_subcommand is None:
        from paritygate.targets.registry import TARGETS

        from ..output import show_targets

        show_targets(TARGETS)
    return 0


@targets.command()
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document on stdout and nothing else.")
def show(name: str, as_json: bool) -> int:
    """Explain NAME: its versions, its rules, and where the facts are from."""
    from paritygate.targets.api import resolve
    from paritygate.targets.explain import explain

    from ..output import show_target

    target, _ = resolve(name)
    show_target(explain(target), as_json=as_json)
    return 0
