"""Terms between their forms: K terms, Kore patterns, and the JSON of both.

All results are equal to pyk's; what makes them faster is what is looked up once for a definition, and what is
remembered of terms seen before, by identity and within bounds.
"""

from .converter import Converter

__all__ = ['Converter']
