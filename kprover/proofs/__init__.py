"""pyk behind plain values: what a worker process does with claims, proofs and steps.

Everything that crosses this package's border is JSON headers and opaque blobs, so that its users (the driver, the
pool) neither import pyk nor look into a term. The logic of proving is pyk's: `APRProver.step_proof` makes the steps,
`KCFG.extend` the nodes, `Proof.commit` the graph; here they are fed, and their answers are written down exactly.

| module        | what it does                                                                    |
| ------------- | ------------------------------------------------------------------------------- |
| `session`     | one per worker process: runs tasks, turns exceptions into error answers         |
| `sources`     | definitions, claims, lemma files and semantics classes, read once a process     |
| `prepare`     | claim -> initial proof, without a server                                        |
| `modules`     | the rules a proof adds to the definition, in modules named by their content     |
| `steps`       | a step of a reachability or of an equality proof                                |
| `refute`      | failing nodes shown to be out of reach, by the condition of their branch         |
| `kinds`       | what a prover of the user's must provide                                          |
| `foreign`     | proofs of such kinds: prepared, stepped, committed                                |
| `symbolic`    | pyk's symbolic operations, lemma modules and universal variables minded           |
| `semantics`   | a user's semantics class, guarded; proofs that would never end                     |
| `diagnose`    | why a failing node does not reach the target                                    |
| `results`     | pyk's result objects as headers, details and terms, and back                    |
| `rebuild`     | a proof from its journal, as pyk's own object                                   |
| `client`      | the connection to a server: both dialects of `implies`, checks of every answer  |
| `codec`       | terms and blobs as bytes, and their hashes                                      |
| `errors`      | what can go wrong, in four classes                                              |

`errors` and this module import no pyk.
"""
