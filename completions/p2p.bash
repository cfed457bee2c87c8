# Completion of p2p for bash 4 or later: p2p itself says what may come next.
_p2p() {
    local IFS=$'\n'
    # bash breaks words at colons; p2p gets the line, and cuts its answer to what bash replaces
    mapfile -t COMPREPLY < <(
        COMP_TYPE=${COMP_TYPE-} COLUMNS=${COLUMNS-} \
            command p2p completions bash -- "${COMP_LINE:0:COMP_POINT}" "$2" < /dev/null 2> /dev/null
    )
    if [[ ${COMPREPLY[0]-} == $'\tfiles' ]]; then
        COMPREPLY=()
        compopt -o default
    elif [[ $2 == '$'* ]]; then
        compopt -o bashdefault
    fi
}
complete -o nosort -F _p2p p2p 2> /dev/null || complete -F _p2p p2p
