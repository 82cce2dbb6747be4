#!/usr/bin/env bash
# Stands in for curl at GitLab's notes of a merge request, on a file in $GH_STATE. Anything else fails.
set -euo pipefail

printf '%s\n' "$*" >> "$GH_STATE/calls"
method=GET data='' url='' token='' headers=/dev/null output=/dev/stdout
while [ $# -gt 0 ]; do
  case $1 in
    --fail | --silent | --show-error) ;;
    --request) method=$2; shift ;;
    --data) data=${2#@}; shift ;;
    --dump-header) headers=$2; shift ;;
    --output) output=$2; shift ;;
    --header) case $2 in @*) token=$(cat "${2#@}") ;; esac; shift ;;
    *) url=$1 ;;
  esac
  shift
done
[ "$token" = "PRIVATE-TOKEN: comment-token" ] || { echo "curl: no token" >&2; exit 22; }
notes=$GH_STATE/notes.json
base=https://gitlab.example.com/api/v4/projects/1/merge_requests/7/notes
case "$method ${url%%\?*}" in
  "GET $base")
    # GitLab gives at most 100 on a page, and an empty number after the last one.
    page=${url##*page=}
    next=$(jq --argjson page "$page" 'if length > 100 * $page then $page + 1 else "" end' "$notes")
    printf 'HTTP/2 200\r\nx-next-page: %s\r\n\r\n' "${next//\"/}" > "$headers"
    jq --argjson page "$page" '.[100 * ($page - 1):100 * $page]' "$notes" > "$output"
    ;;
  "POST $base") jq --slurpfile new "$data" '. + [{id: (length + 1)} + $new[0]]' "$notes" > "$notes.new" && mv "$notes.new" "$notes" ;;
  "PUT $base/"*)
    jq --slurpfile new "$data" --argjson id "${url##*/}" 'map(if .id == $id then . + $new[0] else . end)' \
      "$notes" > "$notes.new" && mv "$notes.new" "$notes"
    ;;
  *) echo "curl: $method $url is not emulated" >&2; exit 22 ;;
esac
