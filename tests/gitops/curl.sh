#!/usr/bin/env bash
# Stands in for curl at GitLab's notes of a merge request, on a file in $GH_STATE. Anything else fails.
set -euo pipefail

printf '%s\n' "$*" >> "$GH_STATE/calls"
method=GET data='' url='' token=''
while [ $# -gt 0 ]; do
  case $1 in
    --fail | --silent | --show-error) ;;
    --request) method=$2; shift ;;
    --data) data=${2#@}; shift ;;
    --output) shift ;;
    --header) case $2 in @*) token=$(cat "${2#@}") ;; esac; shift ;;
    *) url=$1 ;;
  esac
  shift
done
[ "$token" = "PRIVATE-TOKEN: comment-token" ] || { echo "curl: no token" >&2; exit 22; }
notes=$GH_STATE/notes.json
base=https://gitlab.example.com/api/v4/projects/1/merge_requests/7/notes
case "$method ${url%%\?*}" in
  "GET $base") cat "$notes" ;;
  "POST $base") jq --slurpfile new "$data" '. + [{id: (length + 1)} + $new[0]]' "$notes" > "$notes.new" && mv "$notes.new" "$notes" ;;
  "PUT $base/"*)
    jq --slurpfile new "$data" --argjson id "${url##*/}" 'map(if .id == $id then . + $new[0] else . end)' \
      "$notes" > "$notes.new" && mv "$notes.new" "$notes"
    ;;
  *) echo "curl: $method $url is not played" >&2; exit 22 ;;
esac
