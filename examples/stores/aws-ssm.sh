#!/bin/sh
# Keeps each secret in the Parameter Store of AWS Systems Manager, as the SecureString PREFIX + PATH.
#
#   aws-ssm.sh [PREFIX]
#
# Needs jq and the AWS command line, signed in, with the permissions ssm:GetParameter and ssm:PutParameter, and kms:Decrypt
# and kms:Encrypt if the key is your own. The value reaches it through a pipe.
set -eu
input=$(cat)
field() { printf '%s' "$input" | jq -j ".$1"; }
name=${1-}$(field path)

case $(field operation) in
read)
    exec 3>&1
    said=$(aws ssm get-parameter --name "$name" --with-decryption --query Parameter.Value --output text 2>&1 >&3) && exit 0
    case $said in *'(ParameterNotFound)'*) exit 3 ;; esac
    ;;
write)
    said=$(field content |
        aws ssm put-parameter --name "$name" --type SecureString --overwrite --value file:///dev/stdin 2>&1 >/dev/null) &&
        exit 0
    ;;
*) said='the operation is neither `read` nor `write`' ;;
esac
printf '%s\n' "$said" >&2
exit 1
