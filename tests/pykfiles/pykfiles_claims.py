"""Claims of every kind of proof: passed and failed, with branches, loops, bounds, dependencies, trusted,
equalities, refuted nodes."""

PASSED = (
    'IMP-LOOPS.transfer-six',
    'IMP-BOUNDED.count',
    'IMP-EQUALITIES.sign-sum',
    'IMP-ASSUMED.power-positive',
    'IMP-DIVISIONS.share',
)
FAILED = (
    'IMP-WRONG.one-of-sixteen',
    'IMP-WRONG-LOOPS.count-bounded',
    'IMP-WRONG.stuck',
    'IMP-WRONG.division-unguarded',
)
STACK = ('STACK-LOOPS.sum-to-10', 'STACK-BOUNDED.forever', 'STACK-BRANCHES.sixteen')
STACK_FAILED = ('STACK-WRONG-LOOPS.forever-bounded',)
