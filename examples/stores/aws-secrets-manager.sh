#!/bin/sh
# Keeps each secret in AWS Secrets Manager, as the secret PREFIX + PATH.
#
#   aws-secrets-manager.sh [PREFIX]
#
# Needs jq and the AWS command line, signed in, with the permissions secretsmanager:GetSecretValue, PutSecretValue and
# CreateSecret. The value reaches it through a pipe.
set -eu
input=$(cat)
field() { printf '%s' "$input" | jq -j ".$1"; }
id=${1-}$(field path)
value=file:///dev/stdin

case $(field operation) in
read)
    exec 3>&1
    said=$(aws secretsmanager get-secret-value --secret-id "$id" --query SecretString --output text 2>&1 >&3) && exit 0
    # AWS answers differently for a secret that is marked for deletion or not visible: that one is not absent.
    case $said in *'(ResourceNotFoundException)'*) exit 3 ;; esac
    ;;
write)
    said=$(field content |
        aws secretsmanager put-secret-value --secret-id "$id" --secret-string "$value" 2>&1 >/dev/null) && exit 0
    case $said in
    *'(ResourceNotFoundException)'*)
        said=$(field content |
            aws secretsmanager create-secret --name "$id" --secret-string "$value" 2>&1 >/dev/null) && exit 0
        ;;
    esac
    ;;
*) said='the operation is neither `read` nor `write`' ;;
esac
printf '%s\n' "$said" >&2
exit 1
