"""`kprover completion`: what a shell needs to complete commands, options and the names of claims."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from .options import UsersError


@click.command('completion', short_help='Completion for bash, zsh or fish.')
@click.argument('shell', type=click.Choice(['bash', 'zsh', 'fish']))
def command(shell: str) -> None:
    """Print the script with which SHELL completes commands, options and the names of claims.

    \b
    bash:  echo 'eval "$(kprover completion bash)"' >> ~/.bashrc
    zsh:   echo 'eval "$(kprover completion zsh)"' >> ~/.zshrc
    fish:  kprover completion fish > ~/.config/fish/completions/kprover.fish
    """
    from .app import app

    kind = get_completion_class(shell)
    if kind is None:
        raise UsersError(f'{shell}: no completion for this shell')
    try:
        print(kind(app, {}, 'kprover', '_KPROVER_COMPLETE').source())
    except RuntimeError as err:  # an old bash
        raise UsersError(str(err)) from err
