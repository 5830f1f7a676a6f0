"""The page on which a manager makes a rule: when, only if, give, to whom, within which limits; and its sentence."""
