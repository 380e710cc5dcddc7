# SPDX-License-Identifier: Apache-2.0
"""Passphrases and PINs: from a prompt or a descriptor, never from an argument or the environment."""

import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from waarmerk.provenance.credentials.signing_keys import Secret

_MAX_BYTES = 1024

descriptor_option = click.option(
    "--passphrase-fd",
    type=click.IntRange(min=0),
    metavar="N",
    help="Read the passphrase or PIN from the open file descriptor N, up to the first line end.",
)


def asker(descriptor: int | None, question: str, *, again: str | None = None) -> "Callable[[], Secret]":
    """What asks once it is needed. ``again`` makes a person type it twice."""
    from waarmerk.provenance.credentials.signing_keys import Secret  # noqa: PLC0415 - costs start-up

    def ask() -> Secret:
        if descriptor is not None:
            return Secret(_read(descriptor))
        if not sys.stdin.isatty():
            raise click.UsageError("nobody to ask for the passphrase: give --passphrase-fd N")
        return Secret(
            click.prompt(
                question,
                hide_input=True,
                default="" if again is not None else None,
                show_default=False,
                confirmation_prompt=again or False,
                err=True,
            ).encode()
        )

    return ask


def _read(descriptor: int) -> bytes:
    try:
        with os.fdopen(os.dup(descriptor), "rb") as stream:
            return stream.readline(_MAX_BYTES).rstrip(b"\r\n")
    except OSError as fault:
        raise click.UsageError(f"--passphrase-fd {descriptor}: {fault.strerror}") from None
