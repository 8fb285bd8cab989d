"""What can go wrong in a task, in the four classes that decide what the driver does about it.

No error is ever a verdict. `infrastructure`: the step may be tried again. `backend`: the server answered with an
error, or with something that is no answer. `input`: the claim, its options or its files are wrong. `prover`: an
exception inside pyk or a semantics class.
"""

from __future__ import annotations

from typing import ClassVar


class StepError(Exception):
    """A task could not be done; the message names what was expected, what was found, and what to do."""

    error_class: ClassVar[str] = 'prover'


class InfrastructureError(StepError):
    """The connection, the machine or a limit of time: nothing is known about the claim."""

    error_class = 'infrastructure'


class ConnectionLost(InfrastructureError):
    """The server cannot be reached, or its connection ended in the middle of a request."""


class Interrupted(InfrastructureError):
    """The task was ended by `Session.interrupt`."""


class MissingRecord(InfrastructureError):
    """A row that a proof needs is not in the checkpoint store, or is damaged."""


class BackendError(StepError):
    """The server answered with an error."""

    error_class = 'backend'


class ProtocolError(BackendError):
    """The server's answer is none that a sound server can give."""


class InputError(StepError):
    """The claim, an option or a file is not what it must be."""

    error_class = 'input'


class DefinitionError(InputError):
    """The definition cannot be read: no claim over it can be proved."""
