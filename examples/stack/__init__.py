"""A stack machine with a program counter, storage and gas."""
