"""The figures: each module gives ``figures() -> list[(name, value, unit, target, ok, detail)]``; ok None: skipped."""
