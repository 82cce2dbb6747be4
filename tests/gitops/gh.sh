#!/usr/bin/env bash
# Stands in for gh: the few calls of GitHub's API that the recipes make, on files in $GH_STATE. Anything else fails.
# shellcheck disable=SC2016  # jq's variables, not the shell's
set -euo pipefail

printf '%s\n' "$*" >> "$GH_STATE/calls"
[ -n "${GH_TOKEN:-}" ] || { echo "gh: no GH_TOKEN" >&2; exit 4; }

case "$1 ${2:-}" in
  "auth setup-git") exit 0 ;;
  "run download")
    shift 3
    while [ $# -gt 0 ]; do
      case $1 in --name) name=$2 ;; --dir) dir=$2 ;; --repo) ;; *) exit 2 ;; esac
      shift 2
    done
    mkdir -p "$dir"
    exec cp "$GH_STATE/artifacts/$name/plan.json" "$dir/"
    ;;
  "release download")
    release=$GH_STATE/releases/$3
    shift 3
    patterns=()
    while [ $# -gt 0 ]; do
      case $1 in --repo) release+=@${2/\//_} ;; --pattern) patterns+=("$2") ;; --dir) dir=$2 ;; *) exit 2 ;; esac
      shift 2
    done
    for pattern in "${patterns[@]}"; do cp "$release/$pattern" "$dir/"; done
    exit 0
    ;;
  "attestation verify")
    # A line for each file that the workflow of a repository attested: digest, repository, workflow.
    exec grep -qxF "$(sha256sum "$3" | cut -d ' ' -f 1) $5 $7" "$GH_STATE/attestations"
    ;;
esac
[ "$1" = api ] || { echo "gh: $1 is not emulated" >&2; exit 2; }
shift
method=GET filter=. input='' path=''
while [ $# -gt 0 ]; do
  case $1 in
    --paginate | --silent) ;;
    --method) method=$2; shift ;;
    --jq) filter=$2; shift ;;
    --input) input=$2; shift ;;
    *) path=$1 ;;
  esac
  shift
done

write() {
  jq "${@:2}" "$GH_STATE/$1.json" > "$GH_STATE/new"
  mv "$GH_STATE/new" "$GH_STATE/$1.json"
}

add() {
  write "$1" --slurpfile new "$input" \
    '. + [{id: (length + 1), number: (length + 1), state: "open", user: {login: "github-actions[bot]"}} + $new[0]]'
}

edit() { write "$1" --slurpfile new "$input" --argjson id "$2" 'map(if .id == $id then . + $new[0] else . end)'; }

open() { jq 'map(select(.state == "open"))' "$GH_STATE/$1.json" | jq -r "$filter"; }

base=repos/acme/duo
case "$method $path" in
  "GET $base/issues/7/comments") jq -r "$filter" "$GH_STATE/comments.json" ;;
  "POST $base/issues/7/comments") add comments ;;
  "PATCH $base/issues/comments/"*) edit comments "${path##*/}" ;;
  "GET $base/issues/7/labels") jq 'map({name: .})' "$GH_STATE/labels.json" | jq -r "$filter" ;;
  "POST $base/issues/7/labels") write labels --slurpfile new "$input" '. + $new[0].labels | unique' ;;
  "DELETE $base/issues/7/labels/"*) write labels --arg name "${path##*/}" '. - [$name]' ;;
  "GET $base/issues?state=open"*) open issues ;;
  "POST $base/issues") add issues ;;
  "PATCH $base/issues/"*) edit issues "${path##*/}" ;;
  "GET $base/pulls?state=open&head=acme:"*) open requests ;;
  "POST $base/pulls") add requests ;;
  "PATCH $base/pulls/"*) edit requests "${path##*/}" ;;
  "GET $base/commits/"*"/pulls") jq -r "$filter" "$GH_STATE/pulls.json" ;;
  "GET $base/actions/artifacts?name="*)
    name=${path#*name=}
    jq --arg name "${name%%&*}" '{artifacts: map(select(.name == $name))}' "$GH_STATE/artifacts.json" | jq -r "$filter"
    ;;
  *) echo "gh: $method $path is not emulated" >&2; exit 1 ;;
esac
