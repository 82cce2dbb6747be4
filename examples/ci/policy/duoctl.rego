# Rules of your own about a plan, for conftest or OPA: https://www.conftest.dev, https://www.openpolicyagent.org
#
#   duoctl plan duo --out plan.json
#   conftest test plan.json --policy policy
#
# duoctl's guards already refuse what widens access or destroys something without a consent. Rules like these add what only
# your organisation knows. The document is described by `duoctl schema plan`.
package main

import rego.v1

# Only people delete applications.
deny contains message if {
	some step in input.steps
	step.action in {"delete", "replace"}
	message := sprintf("%s: a pipeline may not %s it", [step.address, step.action])
}

# Access is given to groups, never to all users.
deny contains message if {
	some step in input.steps
	some change in step.changes
	change.field == "user_access"
	change.after == "all_users"
	message := sprintf("%s: user_access: all_users; name the groups instead", [step.address])
}

# Each pull request gives more rights to at most one key.
deny contains message if {
	widened := {step.address |
		some step in input.steps
		some risk in step.risks
		risk.risk == "escalates_privilege"
	}
	count(widened) > 1
	message := sprintf("%d keys get more rights; use one pull request for each", [count(widened)])
}

warn contains message if {
	input.summary.unmanaged > 20
	message := sprintf("%d applications are not in the YAML", [input.summary.unmanaged])
}
