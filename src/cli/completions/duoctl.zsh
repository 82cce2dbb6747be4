#compdef duoctl
# Asks duoctl at each TAB.
_duoctl() {
    local -a lines open closed
    local line value entry
    lines=("${(@f)$(COMPLETE=zsh duoctl -- "${(@)words[1,CURRENT-1]}" "$PREFIX" 2>/dev/null)}")
    for line in $lines; do
        value=${line%%$'\t'*}
        entry=${${value//\\/\\\\}//:/\\:}
        [[ $line == *$'\t'* ]] && entry+=":${line#*$'\t'}"
        if [[ $value == *[=:/] ]]; then open+=($entry); else closed+=($entry); fi
    done
    (( $#open )) && _describe -V 'open' open -S ''
    (( $#closed )) && _describe -V 'closed' closed
    (( $#open + $#closed ))
}
if [[ $funcstack[1] == _duoctl ]]; then _duoctl "$@"; else compdef _duoctl duoctl; fi
