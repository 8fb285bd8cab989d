"""The step worker: the process that turns terms, talks to a server, and runs pyk for one step at a time.

`wire` is the message format that it shares with its driver, `loop` the worker itself, `modules` how a
server is given the modules that a step needs, `undrawn` what of pyk is left out. Nothing here knows what a
proof step is: that is the session's, a class named on the command line (`kprover.proofs.session:Session`
unless told otherwise).
"""
