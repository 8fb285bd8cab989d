"""A small interpreter of K on ground states, for whoever wants to contradict a server.

It reads `definition.kore` itself, matches, evaluates and rewrites by the definition's own rules and equations, and
knows that a term may have *no value*. It reasons about nothing symbolic: no solver, no simplification rule, no lemma.
What it cannot tell is `Undecided`, never a guess.

| module       | what it does                                                                   |
| ------------ | ------------------------------------------------------------------------------ |
| `terms`      | patterns and values; values are normal forms, compared by `==`                  |
| `kore`       | Kore text read and written                                                     |
| `definition` | sorts, symbols, equations and rules of a `definition.kore`                      |
| `matching`   | a pattern against a value, modulo associativity, commutativity, injections      |
| `hooks`      | builtin functions of BOOL, INT, KEQUAL, MAP, LIST, SET on values                |
| `evaluate`   | the value of a ground term, innermost first, or that it has none                |
| `rewrite`    | the states that follow a ground state                                          |
| `generate`   | values of a sort: small, at borders, random                                    |

It imports nothing of kprover, and shares no code with the embedded server.
"""
