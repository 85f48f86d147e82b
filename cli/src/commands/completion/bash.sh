# Completion of PROGRAM for bash. Load it with: source <(PROGRAM completion bash)
__PROGRAM_complete() {
    local current="${COMP_WORDS[COMP_CWORD]}" answer directive line
    local words=("${COMP_WORDS[@]:1:COMP_CWORD}")
    COMPREPLY=()
    answer=$("${COMP_WORDS[0]}" __completeNoDesc "${words[@]}" 2>/dev/null) || return
    directive="${answer##*:}"
    while IFS='' read -r line; do
        if [[ -n $line && $line != :* && $line == "$current"* ]]; then
            COMPREPLY+=("$line")
        fi
    done <<<"$answer"
    if ((directive & 1)); then
        COMPREPLY=()
    elif ((directive & 2)); then
        compopt -o nospace
    elif (((directive & 4) == 0 && ${#COMPREPLY[@]} == 0)); then
        compopt -o default
    fi
}
complete -F __PROGRAM_complete PROGRAM
