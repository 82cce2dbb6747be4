# Asks duoctl at each TAB. Works with bash 3.2 and later, without the bash-completion package.
_duoctl() {
    # Bash splits words at `=` and `:`, duoctl does not: join them up to the cursor.
    local line=${COMP_LINE:0:COMP_POINT} word reply
    local words=()
    for word in "${COMP_WORDS[@]:0:COMP_CWORD+1}"; do
        if [[ ${#words[@]} -eq 0 || $line == [[:space:]]* ]]; then
            words[${#words[@]}]=
            line=${line#"${line%%[![:space:]]*}"}
        fi
        [[ $line == "$word"* ]] || word=$line
        words[${#words[@]}-1]+=$word
        line=${line#"$word"}
    done
    # Bash replaces only the part after the last `=` or `:`.
    word=${words[${#words[@]}-1]}
    local before=${word%"$2"}
    COMPREPLY=()
    while IFS= read -r reply; do
        reply=${reply%%$'\t'*}
        COMPREPLY[${#COMPREPLY[@]}]=${reply#"$before"}
    done < <(COMPLETE=bash duoctl -- "${words[@]}" 2>/dev/null)
    if [[ ${COMPREPLY[0]-} == *[=:/] ]]; then
        compopt -o nospace 2>/dev/null
    fi
}
complete -o nosort -F _duoctl duoctl 2>/dev/null || complete -F _duoctl duoctl
