#!/usr/bin/env bash
# Runs the commands of README.md and of the pages below docs/ in a fresh copy of this tree, as a stranger would who reads
# from top to bottom. Says "N passed, N failed" in its last line.
#
# A block is a command block (sh), commands with what they say (console, where the last line that is shown must come), or
# text. Blocks in C# are compiled and run by tests/FastIova.Tests; docs/embedding.md and docs/service.md have tests of their own.
set -uo pipefail

cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../.." || exit 2
root=$PWD
pages=(README.md perf-reports/README.md docs/drivers.md docs/topology.md docs/qemu.md)
# These run as steps of their own, with more room; a part of one (--only) is part of its step.
elsewhere=('dotnet test' 'dotnet run -c Release --project src/Cli -- bench --quick' 'tests/dpdk/run.sh' 'tests/qemu/run.sh --quick' 'tests/kernel-selftest/vfio.sh')

usage() {
    printf 'Usage: tests/docs/run.sh [PAGE...]
Runs the commands of the pages, in order, in a copy of this tree: %s.
Takes about ten minutes, most of them to build the copy and to measure it.\n' "${pages[*]}"
}

case ${1-} in
    -h | --help)
        usage
        exit 0
        ;;
esac
for page in "$@"; do
    [[ " ${pages[*]} " == *" $page "* ]] || { echo "docs: '$page' is none of the pages ${pages[*]}: see --help." >&2; exit 2; }
done
(($# == 0)) || pages=("$@")

unset FASTIOVA_ISA FASTIOVA_CODE PKG_CONFIG_PATH
export MSBUILDDISABLENODEREUSE=1 MSBUILDTERMINALLOGGER=off DOTNET_CLI_UI_LANGUAGE=en DOTNET_NOLOGO=1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
copy=$work/fastiova
passed=0
failed=0

# check NAME COMMAND...: one case; shows what the command said when it fails.
check() {
    local name=$1 start=$SECONDS
    shift
    if "$@" >"$work/log" 2>&1; then
        passed=$((passed + 1))
        printf 'ok      %4d s  %s\n' $((SECONDS - start)) "$name"
    else
        failed=$((failed + 1))
        printf 'FAILED  %4d s  %s\n' $((SECONDS - start)) "$name"
        tail -n 60 "$work/log" | sed 's/^/    | /'
    fi
}

# The tree as it is, with what is not committed yet. What other steps have built or downloaded is lent to it.
make_copy() {
    git clone -q "$root" "$copy" || return 1
    git ls-files -z -co --exclude-standard | tar --null --ignore-failed-read -T - -c | tar -x -C "$copy" || return 1
    mkdir -p "$copy/artifacts" "$work/home" "$work/bin"
    tests/dpdk/run.sh --build-only && tests/qemu/run.sh --build-only || return 1
    ln -s "$root/artifacts/dpdk" "$root/artifacts/qemu" "$root/artifacts/kernel-selftest" "$copy/artifacts/"
}

# What the pages call "my" and "your": a program that opens /dev/iommu, a driver, a guest, and a QEMU.
make_readers_things() {
    local qemu=$root/artifacts/qemu
    gcc -O2 -Wall -Wextra -Werror -o "$copy/my-program" "$root/tests/docs/my-program.c" &&
        gcc -O2 -Wall -Wextra -Werror -o "$copy/my-driver" "$root/samples/edu-driver/edu.c" &&
        ln -s "$qemu/kernel" "$copy/vmlinuz" &&
        ln -s "$qemu/initrd.gz" "$copy/initrd.gz" &&
        printf '#!/bin/sh\nLD_LIBRARY_PATH=%s/usr/lib/x86_64-linux-gnu:%s/lib/x86_64-linux-gnu exec %s/usr/bin/qemu-system-x86_64 -L %s/usr/share/qemu -L %s/usr/share/seabios "$@" </dev/null\n' \
            "$qemu/root" "$qemu/root" "$qemu/root" "$qemu/root" "$qemu/root" >"$work/bin/qemu-system-x86_64" &&
        chmod +x "$work/bin/qemu-system-x86_64"
}

# in_copy COMMANDS: as a reader's shell would; whoever hangs is ended.
in_copy() {
    (cd "$copy" && NUGET_PACKAGES=${NUGET_PACKAGES:-$HOME/.nuget/packages} DOTNET_CLI_HOME=${DOTNET_CLI_HOME:-$HOME} \
        HOME=$work/home PATH=$work/bin:$PATH timeout 900 bash -euo pipefail -c "$1" </dev/null)
}

# Numbers differ from machine to machine.
plain() { sed -E 's/0x[0-9a-f]+|[0-9]+/N/g'; }

# ends_as COMMAND LINE: runs it, and the line, but for its numbers, is among what it said.
ends_as() {
    local code=0
    in_copy "$1" >"$work/said" 2>&1 || code=$?
    cat "$work/said"
    ((code == 0)) || return 1
    [[ -z $2 ]] || plain <"$work/said" | grep -qxF -- "$(plain <<<"$2")" || { printf 'The page shows: %s\n' "$2"; return 1; }
}

is_elsewhere() {
    local command
    for command in "${elsewhere[@]}"; do
        [[ $1 != "$command" && $1 != "$command --only "* ]] || return 0
    done
    return 1
}

# Each block of the page becomes a file, NUMBER.KIND.
blocks_of() {
    rm -rf "$work/blocks"
    mkdir "$work/blocks"
    awk -v folder="$work/blocks" '
        !inside && /^```/ { inside = 1; file = sprintf("%s/%03d.%s", folder, ++n, substr($0, 4)); printf "" > file; next }
        inside && /^```$/ { inside = 0; close(file); next }
        inside { print > file }' "$1"
}

run_page() {
    local page=$1 block kind line command shown number=0
    blocks_of "$page"
    for block in "$work"/blocks/*; do
        kind=${block##*.}
        number=$((number + 1))
        case $kind in
            sh)
                if is_elsewhere "$(<"$block")"; then
                    continue
                fi
                check "$page, block $number: $(head -n 1 "$block")" in_copy "$(<"$block")"
                ;;
            console)
                command=
                shown=
                while IFS= read -r line; do
                    if [[ $line == '$ '* ]]; then
                        [[ -z $command ]] || is_elsewhere "$command" || check "$page, block $number: $command" ends_as "$command" "$shown"
                        command=${line#'$ '}
                        shown=
                    else
                        shown=$line
                    fi
                done <"$block"
                is_elsewhere "$command" || check "$page, block $number: $command" ends_as "$command" "$shown"
                ;;
            csharp | text) ;;
            *) check "$page, block $number has a kind that is known: '$kind'" false ;;
        esac
    done
}

for command in "${elsewhere[@]}"; do
    check "checked by .ci/run: $command" grep -qF -- "$command" .ci/run
done
check 'a copy of the tree' make_copy
check "a reader's program, driver, guest and QEMU" make_readers_things
if ((failed == 0)); then
    for page in "${pages[@]}"; do
        run_page "$page"
    done
fi

printf '%d passed, %d failed\n' "$passed" "$failed"
((failed == 0))
