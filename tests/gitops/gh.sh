#!/usr/bin/env bash
# Stands in for gh: the few calls of GitHub's API that the recipes make, on files in $GH_STATE. Anything else fails.
set -euo pipefail

printf '%s\n' "$*" >> "$GH_STATE/calls"
[ -n "${GH_TOKEN:-}" ] || { echo "gh: no GH_TOKEN" >&2; exit 4; }

if [ "$1 $2" = "run download" ]; then
  shift 3
  while [ $# -gt 0 ]; do
    case $1 in --name) name=$2 ;; --dir) dir=$2 ;; --repo) ;; *) exit 2 ;; esac
    shift 2
  done
  mkdir -p "$dir"
  exec cp "$GH_STATE/artifacts/$name/plan.json" "$dir/"
fi
[ "$1" = api ] || { echo "gh: $1 is not played" >&2; exit 2; }
shift
method=GET filter=. input='' path=''
while [ $# -gt 0 ]; do
  case $1 in
    --paginate) ;;
    --method) method=$2; shift ;;
    --jq) filter=$2; shift ;;
    --input) input=$2; shift ;;
    *) path=$1 ;;
  esac
  shift
done

add() {
  jq --slurpfile new "$input" \
    '. + [{id: (length + 1), number: (length + 1), state: "open", user: {login: "github-actions[bot]"}} + $new[0]]' \
    "$GH_STATE/$1.json" > "$GH_STATE/new"
  mv "$GH_STATE/new" "$GH_STATE/$1.json"
}

edit() {
  jq --slurpfile new "$input" --argjson id "$2" 'map(if .id == $id then . + $new[0] else . end)' \
    "$GH_STATE/$1.json" > "$GH_STATE/new"
  mv "$GH_STATE/new" "$GH_STATE/$1.json"
}

base=repos/acme/duo
case "$method $path" in
  "GET $base/issues/7/comments") jq -r "$filter" "$GH_STATE/comments.json" ;;
  "POST $base/issues/7/comments") add comments ;;
  "PATCH $base/issues/comments/"*) edit comments "${path##*/}" ;;
  "GET $base/issues?state=open"*) jq 'map(select(.state == "open"))' "$GH_STATE/issues.json" | jq -r "$filter" ;;
  "POST $base/issues") add issues ;;
  "PATCH $base/issues/"*) edit issues "${path##*/}" ;;
  "GET $base/commits/"*"/pulls") jq -r "$filter" "$GH_STATE/pulls.json" ;;
  "GET $base/actions/artifacts?name="*)
    name=${path#*name=}
    jq --arg name "${name%%&*}" '{artifacts: map(select(.name == $name))}' "$GH_STATE/artifacts.json" | jq -r "$filter"
    ;;
  *) echo "gh: $method $path is not played" >&2; exit 1 ;;
esac
