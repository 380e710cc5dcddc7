# SPDX-License-Identifier: Apache-2.0
"""The keys of ``waarmerk label``: made on first use, opened, and stood in for in a dry run."""

import os
import sys

import click

from waarmerk.cli.label_order import Order
from waarmerk.cli.passphrase import asker
from waarmerk.provenance.build import build_labeller
from waarmerk.provenance.credentials.certificate_lint import lint
from waarmerk.provenance.credentials.certificates import OwnAuthority
from waarmerk.provenance.credentials.signing_folder import SIGNER, load_folder
from waarmerk.provenance.credentials.signing_keys import FileSigner, load_chain
from waarmerk.provenance.errors import ConfigurationError
from waarmerk.provenance.marking.labeller import Labeller
from waarmerk.provenance.marking.watermark import Marker
from waarmerk.provenance.report.wording import Wording
from waarmerk.provenance.sources.watermark import load_keys
from waarmerk.watermark import Key


def missing_keys(order: Order) -> tuple[str, ...]:
    """What is to be made first: ``keys`` to sign with, the ``mark-key``."""
    missing = () if (order.key_folder / SIGNER).is_file() else ("keys",)
    return missing if order.says == "none" or order.watermark_key.exists() else (*missing, "mark-key")


def require_keys(order: Order, words: Wording) -> None:
    """On first use make keys, if the person agrees. Raises ConfigurationError with the commands where nobody does."""
    missing = missing_keys(order)
    if not missing:
        return
    kind, places = "-and-".join(missing), {"folder": order.key_folder, "key": order.watermark_key}
    if not order.yes and not (
        sys.stdin.isatty() and click.confirm(words.say("label", f"make-{kind}", **places), err=True)
    ):
        raise ConfigurationError("label.no-keys", words.say("label", f"no-{kind}", **places))
    if "keys" in missing:
        _make(order)
    if "mark-key" in missing:
        order.watermark_key.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        Key.generate("ai").save(order.watermark_key)
        click.echo(words.say("label", "made-mark-key", path=order.watermark_key))


def _make(order: Order) -> None:
    from waarmerk.cli.keys import make  # noqa: PLC0415 - once in a lifetime

    if order.organisation is None and not sys.stdin.isatty():
        raise click.UsageError("nobody to ask: give --organisation")
    make(
        folder=order.key_folder,
        organisation=order.organisation,
        algorithm="es256",
        no_passphrase=order.passphrase_fd is None and not sys.stdin.isatty(),
        passphrase_fd=order.passphrase_fd,
        trusts=True,
        lang=order.language,
        brief=True,
    )


def open_labeller(order: Order, words: Wording) -> Labeller:
    """With the keys that are there. A dry run asks for no passphrase and makes do with keys that are thrown away."""
    marker = None
    if order.says != "none":
        key = load_keys((order.watermark_key,))[0] if order.watermark_key.exists() else Key.generate("ai")
        marker = Marker(key=key, draw=os.urandom)
    if order.dry_run:
        signer = _stand_in(order)
    else:
        signer = load_folder(order.key_folder, asker(order.passphrase_fd, words.say("keys", "passphrase-open")))
    return build_labeller(
        order.settings,
        at=order.at,
        signer=signer,
        marker=marker,
        ledger=order.ledger,
        registry=order.registry,
        timestamps=None if order.dry_run else order.timestamps,
    )


def _stand_in(order: Order) -> FileSigner:
    """The signer where it opens without a passphrase, else one of this moment. Raises ConfigurationError for keys that
    could not be used.
    """
    if (order.key_folder / SIGNER).is_file():
        try:
            return load_folder(order.key_folder)
        except ConfigurationError as fault:
            if fault.code != "signing.passphrase":
                raise
        refused = lint(load_chain(order.key_folder / SIGNER), order.at)
        if refused:
            codes = ", ".join(each.code for each in refused)
            raise ConfigurationError("signing.certificate", f"the certificate cannot sign: {codes}")
    authority = OwnAuthority.create("dry run", at=order.at)
    leaf = authority.issue(at=order.at)
    return FileSigner(leaf.key, authority.chain_of(leaf))
