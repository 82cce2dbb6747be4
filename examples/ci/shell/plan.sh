#!/usr/bin/env bash
# Validates and plans: plan.sh [PATH] [FOLDER]. FOLDER gets plan.json, to be applied once it is reviewed, and plan.md,
# to be read. Ends with 0 and says so where there is nothing to do, with 2 where changes are pending, else as duoctl does.
# What it reads is not reviewed yet, and so not trusted.
set -euo pipefail

path=${1:-.}
folder=${2:-plan}
mkdir -p "$folder"
duoctl validate --untrusted "$path"
duoctl plan --untrusted "$path" --detailed-exitcode --out "$folder/plan.json" --report markdown="$folder/plan.md"
