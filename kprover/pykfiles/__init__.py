"""pyk's own proof folders: a proof of the store written as one, and one from elsewhere as the start of a claim.

A proof folder is what pyk's `APRProof.write_proof_data` makes: `FOLDER/<id>/proof.json`, with the graph beside it in
`kcfg/`.

| module      | what it does                                                         |
| ----------- | -------------------------------------------------------------------- |
| `export`    | proofs of the store as pyk's objects and folders, running or done     |
| `importing` | a folder as the start of a claim's proof                             |
| `showing`   | a proof for people: as text, as a summary in JSON, as a dot graph    |
| `folder`    | the files: read with every doubt, put in place in one move           |
| `errors`    | what can be wrong with them                                          |

`errors` and this module import no pyk.
"""
