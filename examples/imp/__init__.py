"""A small imperative language with integer and boolean expressions, declarations and loops."""
