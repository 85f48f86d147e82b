#compdef PROGRAM
# Completion of PROGRAM for zsh. Load it with: source <(PROGRAM completion zsh)
_PROGRAM() {
    local answer directive line
    local -a lines candidates
    answer=$("${(Q)words[1]}" __complete "${(@Q)words[2,CURRENT]}" 2>/dev/null) || return
    lines=("${(@f)answer}")
    directive="${lines[-1]#:}"
    for line in "${(@)lines[1,-2]}"; do
        # A tab comes before the description; a colon is what _describe wants there.
        line="${line//:/\\:}"
        candidates+=("${line/$'\t'/:}")
    done
    if ((directive & 1)); then
        return
    elif ((${#candidates} > 0)); then
        _describe 'PROGRAM' candidates
    elif (((directive & 4) == 0)); then
        _files
    fi
}
compdef _PROGRAM PROGRAM
