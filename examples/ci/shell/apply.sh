#!/usr/bin/env bash
# Applies a reviewed plan, or nothing: apply.sh [FOLDER] [PATH]. With PATH, a plan that is not for this YAML is refused. If
# the plan is stale, it ends with 6 and makes a new plan in the same folder, to be reviewed like the first. FOLDER gets
# outcome.md, to read, and outcome.xml, the verification as JUnit.
set -euo pipefail

folder=${1:-plan}
config=()
if [ $# -gt 1 ]; then config=(--config "$2"); fi
code=0
duoctl apply "$folder/plan.json" "${config[@]}" --report markdown="$folder/outcome.md" \
  --report junit="$folder/outcome.xml" || code=$?
if [ "$code" = 6 ]; then
  path=${2:-$(jq -r .made_with.path "$folder/plan.json")}
  duoctl plan "$path" --out "$folder/plan.json" --report markdown="$folder/plan.md"
  echo "The plan was stale and nothing was changed. Review $folder/plan.md, then run this again." >&2
fi
exit "$code"
