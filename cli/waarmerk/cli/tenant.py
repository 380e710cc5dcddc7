# SPDX-License-Identifier: Apache-2.0
"""``waarmerk tenant``: who may use the verification API, and with which keys."""

from collections.abc import Callable
from dataclasses import replace
from functools import reduce
from pathlib import Path
from typing import Any

import click

from waarmerk.cli import exits, options
from waarmerk.cli.serve import FILE, FOLDER, database, door, folder, service_folder
from waarmerk.provenance.report.wording import wording

_NEW = click.Path(path_type=Path, dir_okay=False)
# What a tenant may have, by the option that names it.
_FIELDS = {
    "key": "keys",
    "ledger": "ledger",
    "registry": "registry",
    "rules": "rule_packs",
    "key-folder": "signing",
    "trust": "trust",
}
_SCOPES = click.Choice(("verify", "label", "registry", "admin"))
_SETTINGS = (
    click.option("--key", "keys", type=FILE, multiple=True, help="Watermark key; repeatable, these are all it has."),
    click.option("--ledger", type=_NEW, help="Ledger of what was issued under these keys; made with --key-folder."),
    click.option("--registry", metavar="PATH", help="Registry of this tenant."),
    click.option("--rules", "rule_packs", type=FOLDER, multiple=True, help="Folder with rules; these are all it has."),
    click.option("--key-folder", type=FOLDER, help="Folder of keys init: what this tenant's labels are signed with."),
    options.trust,
)


def _settings(command: Callable[..., int]) -> Callable[..., int]:
    """The options that say what a tenant has, in the order of ``--help``."""
    return reduce(lambda made, option: option(made), reversed(_SETTINGS), command)


@click.group()
def tenant() -> None:
    """Who may use the verification API: tenants and their keys."""


@tenant.command()
@click.argument("name")
@_settings
@click.option("--per-minute", type=click.IntRange(1), default=1200, show_default=True, help="Requests a minute.")
@click.option("--keep-days", type=click.IntRange(1, 365), default=30, show_default=True, help="How long results stay.")
@folder
@database
@options.language
def add(
    name: str,
    keys: tuple[Path, ...],
    ledger: Path | None,
    registry: str | None,
    rule_packs: tuple[Path, ...],
    key_folder: Path | None,
    trust: Path | None,
    per_minute: int,
    keep_days: int,
    folder: Path | None,
    database: str | None,
    lang: str,
) -> int:
    """Add the tenant NAME, with what its files are examined with; the paths are read by the service."""
    own = _named(keys, rule_packs, ledger, registry, trust, key_folder)
    _prepare(ledger, own, signs=key_folder is not None)
    tenants: Any = door("waarmerk.api.tenants")
    made = tenants.Tenant(name=name, settings=own, per_minute=per_minute, keep_days=keep_days)
    with _keyring(folder, database) as keyring:
        keyring.add_tenant(made, at=options.now(None))
    click.echo(wording(lang).say("tenant", "added", name=name), err=True)
    return exits.OK


@tenant.command()
@click.argument("name")
@_settings
@click.option("--per-minute", type=click.IntRange(1), help="Requests a minute.")
@click.option(
    "--keep-days", type=click.IntRange(1, 365), help="How long results stay, those that are made from now on."
)
@click.option("--without", type=click.Choice(tuple(_FIELDS)), multiple=True, help="What it has no longer; repeatable.")
@folder
@database
@options.language
def change(
    name: str,
    keys: tuple[Path, ...],
    ledger: Path | None,
    registry: str | None,
    rule_packs: tuple[Path, ...],
    key_folder: Path | None,
    trust: Path | None,
    per_minute: int | None,
    keep_days: int | None,
    without: tuple[str, ...],
    folder: Path | None,
    database: str | None,
    lang: str,
) -> int:
    """Change what the tenant NAME has; what is not named stays. A running service follows within five seconds."""
    named = _named(keys, rule_packs, ledger, registry, trust, key_folder)
    gone = {_FIELDS[each] for each in without}
    if gone & named.keys():
        raise click.UsageError("an option says what a tenant has, and --without that it has it no longer")
    if not (named or gone or per_minute or keep_days):
        raise click.UsageError("name what is to change")

    def changed(held: Any) -> Any:
        own = {field: value for field, value in {**held.settings, **named}.items() if field not in gone}
        _prepare(ledger, {**own, "registry": named.get("registry")}, signs="signing" in own)
        return replace(
            held,
            settings=own,
            per_minute=per_minute or held.per_minute,
            keep_days=keep_days or held.keep_days,
        )

    with _keyring(folder, database) as keyring:
        keyring.change_tenant(name, changed, at=options.now(None))
    click.echo(wording(lang).say("tenant", "changed", name=name), err=True)
    return exits.OK


def _named(
    keys: tuple[Path, ...],
    rule_packs: tuple[Path, ...],
    ledger: Path | None,
    registry: str | None,
    trust: Path | None,
    key_folder: Path | None,
) -> dict[str, Any]:
    """The settings that options name."""
    settings = {
        "keys": [str(each.absolute()) for each in keys],
        "rule_packs": [str(each.absolute()) for each in rule_packs],
        "ledger": None if ledger is None else str(ledger.absolute()),
        "registry": None if registry is None else registry if "://" in registry else str(Path(registry).absolute()),
        "trust": None if trust is None else str(trust.absolute()),
        "signing": None if key_folder is None else str(key_folder.absolute()),
    }
    return {field: value for field, value in settings.items() if value}


def _prepare(ledger: Path | None, settings: dict[str, Any], *, signs: bool) -> None:
    """Make what labelling remembers, where it is absent. Raises UsageError for a ledger that nobody would make."""
    if signs:
        _make(ledger, settings.get("registry"))
    elif ledger is not None and not ledger.is_file():
        raise click.UsageError(f"there is no ledger {ledger}; one is made for who labels (--key-folder)")


def _make(ledger: Path | None, registry: Any) -> None:
    """What labelling remembers, made where it is absent: until then nothing of this tenant could be examined."""
    from waarmerk.provenance.build import build_store  # noqa: PLC0415 - numerics and a database
    from waarmerk.provenance.registry import Ledger  # noqa: PLC0415
    from waarmerk.provenance.settings import Settings  # noqa: PLC0415

    if ledger is not None:
        Ledger(ledger).create()
    if registry is not None:
        build_store(Settings(registry=str(registry), data_folder=options.trust_folder()), writing=True).create()


@tenant.command()
@click.argument("name")
@click.option("--scope", "scopes", type=_SCOPES, multiple=True, required=True, help="What it may do; several times.")
@folder
@database
@options.language
def key(name: str, scopes: tuple[str, ...], folder: Path | None, database: str | None, lang: str) -> int:
    """Make a key for the tenant NAME and print it: this once, it is kept nowhere."""
    tenants: Any = door("waarmerk.api.tenants")
    with _keyring(folder, database) as keyring:
        made = keyring.add_key(name, [tenants.Scope(scope) for scope in scopes], at=options.now(None))
    click.echo(made)
    return exits.OK


@tenant.command("list")
@folder
@database
@options.language
def list_(folder: Path | None, database: str | None, lang: str) -> int:
    """List tenants and the prefixes of their keys."""
    words = wording(lang)
    with _keyring(folder, database) as keyring:
        tenants, keys = keyring.tenants(), keyring.keys()
    for each in tenants:
        parts = {"name": each.name, "per_minute": each.per_minute, "days": each.keep_days}
        click.echo(words.say("tenant", "listed", **parts))
        for option, field in _FIELDS.items():
            held_there = each.settings.get(field) or ()
            for value in (held_there,) if isinstance(held_there, str) else held_there:
                click.echo(f"  --{option} {value}")
        for held in keys:
            if held.tenant == each.name:
                state = words.say("tenant", "revoked" if held.revoked_at else "in-use", at=held.revoked_at)
                shown = {"prefix": held.prefix, "scopes": ",".join(held.scopes), "at": held.added_at, "state": state}
                click.echo(words.say("tenant", "key", **shown))
    return exits.OK


@tenant.command()
@click.argument("prefix")
@folder
@database
@options.language
def revoke(prefix: str, folder: Path | None, database: str | None, lang: str) -> int:
    """End the key with PREFIX (12 digits, as listed); a running service follows within five seconds."""
    with _keyring(folder, database) as keyring:
        keyring.revoke(prefix, at=options.now(None))
    return exits.OK


@tenant.command()
@click.argument("name", required=False)
@click.argument("url", required=False)
@click.option("--end", "ended", metavar="ID", help="Tell this one nothing more.")
@folder
@database
@options.language
def webhook(
    name: str | None, url: str | None, ended: str | None, folder: Path | None, database: str | None, lang: str
) -> int:
    """Tell the tenant NAME at URL that a job is over; the secret is printed this once. Without NAME: list them."""
    if (name is None) != (url is None) or (name is not None and ended is not None):
        raise click.UsageError("give NAME and URL, or --end ID, or nothing")
    with door("waarmerk.api.server").webhooks(service_folder(folder), database) as hooks:
        if name is not None:
            made, secret = hooks.register(name, url)
            click.echo(f"{made.id} {secret}")
            return exits.OK
        if ended is not None:
            hooks.end(ended)
            return exits.OK
        words = wording(lang)
        for each in hooks.targets():
            state = words.say("tenant", "ended" if each.ended_at else "in-use", at=each.ended_at)
            click.echo(words.say("tenant", "webhook", id=each.id, name=each.tenant, url=each.url, state=state))
    return exits.OK


@tenant.command()
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
@folder
@database
@options.language
def forget(name: str, yes: bool, folder: Path | None, database: str | None, lang: str) -> int:
    """Erase the tenant NAME: keys, webhooks, jobs, reports, and what its events in the audit log stood for."""
    words = wording(lang)
    if not yes:
        click.confirm(words.say("tenant", "erase", name=name), abort=True, err=True)
    gone = door("waarmerk.api.server").forget(name, service_folder(folder), database)
    click.echo(words.say("tenant", "erased", name=name, count=gone), err=True)
    return exits.OK


def _keyring(folder: Path | None, database: str | None) -> Any:
    return door("waarmerk.api.server").keyring(service_folder(folder), database)
