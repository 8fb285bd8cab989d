"""Audit of a proof: nothing of it is believed but the claim's files and what a fresh server says.

| module      | what it does                                                                    |
| ----------- | ------------------------------------------------------------------------------- |
| `audit`     | the audit of one claim: prepare, replay, re-execute, compare                    |
| `graph`     | the journal replayed in pyk, and whether it is the graph that the engine saw     |
| `reexecute` | a recorded step made again, and whether what is recorded follows from it        |
| `executor`  | tasks with several questions each, over a pool of workers                       |
| `model`     | what an audit has found, as values                                              |

`model` and this module import no pyk.
"""
