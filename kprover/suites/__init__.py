"""Suites: TOML files that name a kompiled folder, spec files and options; and the claims in them.

Everything here is read as plain data, without pyk, so that listing claims and looking up verdicts is quick.
"""

from __future__ import annotations

from ..plugins.sources import SemanticsNotFound, locate, semantics_identity, source_files
from .digests import definition_digest, file_digest
from .errors import SuiteError
from .loader import load_suite, load_suites
from .model import Claim, ClaimOptions, Suite
from .preparation import Preparation
from .selection import full_name, select, together

__all__ = [
    'Claim',
    'ClaimOptions',
    'Preparation',
    'SemanticsNotFound',
    'Suite',
    'SuiteError',
    'definition_digest',
    'file_digest',
    'full_name',
    'load_suite',
    'load_suites',
    'locate',
    'select',
    'semantics_identity',
    'source_files',
    'together',
]
