#!/bin/sh
# Keeps each secret in a file that only its recipients can open, so that it can be committed to git.
#
#   age.sh FOLDER RECIPIENTS [IDENTITY]
#
# FOLDER/PATH.age is encrypted to everyone in the file RECIPIENTS. IDENTITY is the file of a key that opens it. Reading
# needs it; with it, a file does not change when the same keys are delivered again. Needs age and jq.
set -eu
input=$(cat)
field() { printf '%s' "$input" | jq -j ".$1"; }
fail() {
    printf '%s\n' "$1" >&2
    exit 1
}
keys() { grep -v -e '"delivered_at":' -e '^DUO_DELIVERED_AT='; }

[ $# -ge 2 ] || fail 'age.sh needs a folder and a file of recipients'
path=$(field path)
case "/$path/" in */../*) fail "$path leads out of $1" ;; esac
file=$1/$path.age

case $(field operation) in
read)
    [ $# -ge 3 ] || fail 'reading needs the file of an identity as the third argument'
    said=$(LC_ALL=C ls -d "$file" 2>&1) || case $said in
        *'No such file or directory') exit 3 ;;
        *) fail "$said" ;;
    esac
    age --decrypt --identity "$3" "$file"
    ;;
write)
    if [ $# -ge 3 ] && [ -e "$file" ]; then
        # A file that cannot be opened is not replaced either.
        held=$(age --decrypt --identity "$3" "$file")
        [ "$(printf '%s\n' "$held" | keys)" != "$(field content | keys)" ] || exit 0
    fi
    mkdir -p "$(dirname "$file")"
    [ ! -d "$file" ] || fail "$file is a folder"
    fresh=$(mktemp "$file.XXXXXX")
    trap 'rm -f "$fresh"' EXIT
    field content | age --encrypt --armor --recipients-file "$2" >"$fresh"
    chmod 644 "$fresh"
    mv "$fresh" "$file"
    ;;
*) fail 'the operation is neither `read` nor `write`' ;;
esac
