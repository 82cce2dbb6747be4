"""Evaluates rules on plans: policy.py FILE.rego, with a JSON list of plans on stdin."""

import json
import sys
from pathlib import Path

from regopy import Interpreter

results = []
for plan in json.load(sys.stdin):
    rego = Interpreter()
    rego.add_module(sys.argv[1], Path(sys.argv[1]).read_text())
    rego.set_input(plan)
    results.append({rule: json.loads(str(rego.query(f"data.main.{rule}")))["expressions"][0] for rule in ("deny", "warn")})
json.dump(results, sys.stdout)
