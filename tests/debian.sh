# Debian packages for the programs that test FastIova, by lists of their own: no package and no list of the machine changes.
# To be sourced by a script that has said how it complains: say TEXT.

# quietly LOG WHAT COMMAND...: appends to the log, shows its end when the command fails, and leaves.
quietly() {
    local log=$1 what=$2
    shift 2
    if ! "$@" >>"$log" 2>&1; then
        tail -n 20 "$log" >&2
        say "$what; the end of $log is above."
        exit 1
    fi
}

# own_lists FOLDER LOG KINDS SUITE...: makes the folder anew and reads the lists of the suites, each of the mirror that the machine uses.
# KINDS are deb, or "deb deb-src". Sets own, the options for apt-get and apt-cache; what is downloaded comes to FOLDER/archives.
own_lists() {
    local folder=$1 log=$2 kinds=$3 uri suite kind
    shift 3
    rm -rf "$folder"
    mkdir -p "$folder/lists/partial" "$folder/archives/partial"
    uri=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | { grep -E '/debian/?$' || true; } | head -n 1)
    if [[ -z $uri ]]; then
        say "no source of apt is a mirror of Debian: where packages of $* are to come from is unknown."
        exit 1
    fi
    for suite in "$@"; do
        for kind in $kinds; do
            printf '%s [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] %s %s main\n' "$kind" "$uri" "$suite"
        done
    done >"$folder/sources.list"
    own=(-o Dir::Etc::SourceList="$folder/sources.list" -o Dir::Etc::SourceParts=/dev/null -o Dir::State::Lists="$folder/lists"
        -o Dir::Cache="$folder" -o Dir::Cache::Archives="$folder/archives" -o Acquire::Languages=none -o APT::Sandbox::User= -o Debug::NoLocking=1)
    : >"$log"
    quietly "$log" "apt-get could not read the lists of $*" apt-get "${own[@]}" update
}
