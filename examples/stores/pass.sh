#!/bin/sh
# Keeps each secret in the password store of `pass`, as the entry PREFIX + PATH. A store with a git repository gets a
# commit for each change, as usual with pass.
#
#   pass.sh [PREFIX]
#
# Needs pass and jq, and, for unattended runs, a gpg key that opens without a passphrase prompt.
set -eu
input=$(cat)
field() { printf '%s' "$input" | jq -j ".$1"; }
entry=${1-}$(field path)

operation=$(field operation)
# pass answers the same for a missing store as for a missing entry.
[ -f "${PASSWORD_STORE_DIR:-$HOME/.password-store}/.gpg-id" ] || operation='missing store'

case $operation in
read)
    exec 3>&1
    said=$(pass show -- "$entry" 2>&1 >&3) && exit 0
    case $said in *'is not in the password store.') exit 3 ;; esac
    ;;
write)
    said=$(field content | pass insert --multiline --force -- "$entry" 2>&1 >/dev/null) && exit 0
    ;;
'missing store') said='the password store does not exist; create it with `pass init`' ;;
*) said='the operation is neither `read` nor `write`' ;;
esac
printf '%s\n' "$said" >&2
exit 1
