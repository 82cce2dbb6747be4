#!/usr/bin/env bash
# Validates and plans: plan.sh [PATH] [FOLDER]. FOLDER gets plan.json, to apply after the review, and plan.md, to
# read. Ends with 0 if there is nothing to do, with 2 if changes are pending, otherwise with duoctl's exit code.
# The YAML is not reviewed yet, and therefore not trusted.
set -euo pipefail

path=${1:-.}
folder=${2:-plan}
mkdir -p "$folder"
duoctl validate --untrusted "$path"
duoctl plan --untrusted "$path" --detailed-exitcode --out "$folder/plan.json" --report markdown="$folder/plan.md"
