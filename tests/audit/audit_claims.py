"""The claims whose verdicts are audited, by language and suite file."""

CLAIMS = (
    (
        'imp',
        'suite.toml',
        (
            'IMP-LOOPS.transfer-six',
            'IMP-BOUNDED.count',
            'IMP-EQUALITIES.sign-sum',
            'IMP-ASSUMED.power-more-than-one',
            'IMP-INPUT.not-negative',
        ),
    ),
    (
        'imp',
        'failing.toml',
        ('IMP-WRONG.one-of-sixteen', 'IMP-WRONG.larger-strictly', 'IMP-WRONG-LOOPS.transfer-seven'),
    ),
    ('stack', 'suite.toml', ('STACK-BOUNDED.forever',)),
)
