# Completion of PROGRAM for fish. Load it with: PROGRAM completion fish | source
function __PROGRAM_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l answer ($words[1] __complete $words[2..-1] $current 2>/dev/null)
    or return
    set -l directive (string replace ':' '' -- $answer[-1])
    set -e answer[-1]
    if test (math "bitand($directive, 1)") -ne 0
        return
    end
    if test (count $answer) -eq 0; and test (math "bitand($directive, 4)") -eq 0
        __fish_complete_path $current
        return
    end
    printf '%s\n' $answer
end
complete -c PROGRAM -f -a '(__PROGRAM_complete)'
