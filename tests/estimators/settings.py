"""Settings of estimators in tests: a flow that compiles quickly. Equal ones share compiled programs."""

TINY = {"flow": "maf", "options": {"layers": 1, "hidden": (8,)}, "max_epochs": 2}
