#!/usr/bin/env bash
# Applies a reviewed plan, or nothing: apply.sh [FOLDER]. If the plan is stale, it ends with 6 and makes a new plan in the
# same folder, to be reviewed like the first.
set -euo pipefail

folder=${1:-plan}
code=0
duoctl apply "$folder/plan.json" --report markdown="$folder/outcome.md" || code=$?
if [ "$code" = 6 ]; then
  path=$(jq -r .made_with.path "$folder/plan.json")
  duoctl plan "$path" --out "$folder/plan.json" --report markdown="$folder/plan.md"
  echo "The plan was stale and nothing was changed. Review $folder/plan.md, then run this again." >&2
fi
exit "$code"
