#!/usr/bin/env bash
# For cron: drift.sh [PATH] [COMMAND...]. If Duo differs from the YAML, COMMAND gets the report on its input, e.g.
# mail -s 'Duo differs from the YAML' admins@example.com
set -euo pipefail

path=${1:-.}
shift || true
report=$(mktemp)
trap 'rm -f "$report"' EXIT
code=0
duoctl drift --who "$path" --quiet > "$report" || code=$?
if [ "$code" = 2 ] && [ $# -gt 0 ]; then
  "$@" < "$report"
else
  cat "$report"
fi
exit "$code"
