# SPDX-License-Identifier: Apache-2.0
"""The command ``waarmerk``: one group, one module a command, each loaded only when called."""

import os
import signal
import sys
from contextlib import suppress
from importlib import import_module
from io import TextIOWrapper
from pathlib import Path
from typing import Any, NoReturn

import click

from waarmerk.cli import exits

# command -> (module, the first line of its help, so that --help loads none of them)
_COMMANDS = {
    "verify": ("verify", "Examine files: where from, who says so, which label is owed."),
    "inspect": ("inspect", "Show the whole manifest store of one file."),
    "label": ("label", "Label your own file: mark, visible label, metadata and credentials in one call."),
    "watermark": ("watermark", "Make keys, mark pictures and clips, search for marks."),
    "sign": ("sign", "Sign a file: Content Credentials alone."),
    "keys": ("keys", "Make keys of your own to sign with; say why a certificate is refused."),
    "ledger": ("ledger", "What was issued under your marks: list it, forget an entry."),
    "registry": ("registry", "Known files: enter them, look files up, get stripped credentials back."),
    "export": ("export", "What others read: JSON-LD, review drafts, statements of reasons, AT-proto labels."),
    "rules": ("rules", "Labelling rules: list, explain, decide on facts, test a pack, replay."),
    "trust": ("trust", "Trust lists: show them, import, update, remove a root of your own."),
    "serve": ("serve", "Start the verification API and its page."),
    "tenant": ("tenant", "Who may use the verification API: tenants and their keys."),
}


class _Commands(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module, _ = _COMMANDS[cmd_name]
        command: click.Command = getattr(import_module(f"waarmerk.cli.{module}"), cmd_name)
        return command

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:  # click itself would end with 1, which means something else here
            _reader_gone()

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in _COMMANDS.items()])


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="waarmerk", message="%(prog)s %(version)s")
def commands() -> None:
    """waarmerk tells where a picture or a clip comes from and which label it owes.

    Exit codes: 0 everything examined, 1 something on the --fail-on list, 2 wrong usage, 3 an input that cannot be
    examined, 5 a fault in this program.

    Whom it believes: waarmerk trust list. To stop believing a root of your own: waarmerk trust remove user:NAME.pem
    """


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run the command line; ends with its exit code through ``sys.exit``, never with a traceback."""
    _prepare_streams()
    _keep_no_core()
    signal.signal(signal.SIGTERM, _end)
    signal.signal(signal.SIGHUP, _end)
    try:
        code = commands.main(args=arguments, prog_name="waarmerk", standalone_mode=False)
        sys.stdout.flush()
    except Exception as error:  # the last line of defence: a fault must not look like a finding
        code = _explained(error, sys.argv[1:] if arguments is None else arguments)
        _let_go_of_output()
    sys.exit(code if isinstance(code, int) else exits.OK)


def _let_go_of_output() -> None:
    """What could not be written is not tried again at the end: Python would make the exit code 120 of that."""
    try:
        sys.stdout.flush()
    except (OSError, ValueError):
        with suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _keep_no_core() -> None:
    """No picture of this memory on any disk: keys and files of others are in it."""
    with suppress(ImportError):  # not a Unix
        import resource  # noqa: PLC0415 - as above

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _prepare_streams() -> None:
    """A terminal that cannot show a letter shows its number; a closed error stream is silence; output must exist."""
    if sys.stderr is None:
        sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - for the life of the process
    if sys.stdout is None:
        _complain("standard output is closed")
        sys.exit(exits.USAGE)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _end(number: int, frame: object) -> NoReturn:
    """Told to end: leave through every clean-up, with the code a shell expects."""
    sys.exit(128 + number)


def _explained(error: Exception, arguments: list[str]) -> int:
    """Say on standard error what went wrong, in the language asked for, and the exit code for it."""
    from waarmerk.cli.said import language_of, said, told, usage  # noqa: PLC0415 - as below
    from waarmerk.provenance.errors import ConfigurationError, Error, places  # noqa: PLC0415 - --version stays instant

    language = language_of(arguments)
    match error:
        case click.exceptions.Abort():
            _complain(said("interrupted", language))
            return exits.INTERRUPTED
        case click.ClickException():
            click.echo(usage(error, language), err=True)
            return error.exit_code
        case ConfigurationError():
            _complain(f"{told(error, language)} [{error.code}]")
            return exits.USAGE
        case Error():
            _complain(f"{told(error, language)} [{error.code}]")
            return exits.UNREADABLE
        case OSError():
            _complain(f"cannot go on: {error.strerror or type(error).__name__} ({places(error)})")
            return exits.FAULT
        case _:
            _complain(f"a fault in this program, please report it: {type(error).__name__} at {places(error)}")
            return exits.FAULT


def _complain(message: str) -> None:
    from waarmerk.provenance.report.escape import plain  # noqa: PLC0415 - only where something went wrong

    for line in message.splitlines() or [""]:
        click.echo("waarmerk: " + plain(line, limit=2000), err=True)


def _reader_gone() -> NoReturn:
    """Whoever read our output went away: say so and end as any Unix program does, by SIGPIPE (141 in a shell)."""
    click.echo("waarmerk: the reader of the output went away before all reports were written", err=True)
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # nothing is left to flush at exit
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGPIPE)
    sys.exit(exits.FAULT)  # only where the signal is blocked
