#!/usr/bin/env bash
# Runs the iommufd tests of Linux 6.12, unmodified, under fastiova. The last line says "N passed, N failed"; the exit
# code is 0 only when nothing failed and nothing was skipped.
#
#   run.sh [--build-only] [--only PROGRAM] [-- ARGS for the programs]
#
# The sources come from Debian's package linux-source-6.12 at test time. As root the packages are installed when they
# are missing and huge pages are set aside for the time of the run. Everything built lies below artifacts/ and is reused.
set -euo pipefail

root=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../.." && pwd)
work=$root/artifacts/kernel-selftest/6.12
archive=/usr/src/linux-source-6.12.tar.xz
programs=(iommufd iommufd_fail_nth)
declare -A expected=([iommufd]=190 [iommufd_fail_nth]=7)
build_only=
arguments=()
huge_pages=140 # 2 MiB each: the largest variant maps 128 MiB
seconds_last=600

while (($# > 0)); do
    case $1 in
        --build-only) build_only=yes ;;
        --only) programs=("${2:?--only needs the name of a program}"); shift ;;
        --) shift; arguments=("$@"); break ;;
        *) echo "run.sh: '$1' is no option of it: --build-only, --only PROGRAM, -- ARGS." >&2; exit 2 ;;
    esac
    shift
done

say() { printf 'kernel-selftest: %s\n' "$*" >&2; }

install_packages() {
    local missing=()
    [[ -f $archive ]] || missing+=(linux-source-6.12)
    [[ -f /usr/include/sys/capability.h ]] || missing+=(libcap-dev)
    command -v gcc >/dev/null || missing+=(gcc libc6-dev)
    command -v make >/dev/null || missing+=(make)
    command -v rsync >/dev/null || missing+=(rsync)
    command -v flex >/dev/null || missing+=(flex)
    command -v bison >/dev/null || missing+=(bison)
    command -v xz >/dev/null || missing+=(xz-utils)
    ((${#missing[@]} > 0)) || return 0
    if ((EUID != 0)); then
        say "these packages are missing: ${missing[*]}. Install them as root, or run this script as root once."
        exit 1
    fi
    local log
    log=$(mktemp)
    if ! { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
        tail -n 20 "$log" >&2
        say "apt-get could not install ${missing[*]}; the end of its log is above."
        exit 1
    fi
    rm -f "$log"
}

# Only what 'make headers' and the two programs read: a tenth of the tree.
extract() {
    [[ -f $work/extracted ]] && return 0
    say "extracting the sources"
    rm -rf "$work"
    mkdir -p "$work/linux"
    tar -C "$work/linux" --strip-components=1 -xf "$archive" --wildcards \
        'linux-source-6.12/Makefile' 'linux-source-6.12/Kbuild' 'linux-source-6.12/Kconfig' 'linux-source-6.12/scripts' \
        'linux-source-6.12/include' 'linux-source-6.12/usr' 'linux-source-6.12/arch/x86' 'linux-source-6.12/arch/arm64' \
        'linux-source-6.12/tools/testing/selftests/*.h' 'linux-source-6.12/tools/testing/selftests/lib.mk' \
        'linux-source-6.12/tools/testing/selftests/iommu' 'linux-source-6.12/tools/include' 'linux-source-6.12/tools/scripts' \
        'linux-source-6.12/tools/arch' 'linux-source-6.12/drivers/iommu/iommufd'
    touch "$work/extracted"
}

# Debian's 6.12 carries a part of newer tests; these five definitions are what that part forgot. The sources stay as they are.
backport=(-DIOMMU_HW_INFO_TYPE_DEFAULT=0 -DIOMMU_HW_INFO_FLAG_INPUT_TYPE=1 -Din_data_type=out_data_type
    -DMOCK_FLAGS_DEVICE_PASID=4 -DMOCK_PASID_WIDTH=20)

build() {
    [[ -f $work/built ]] && return 0
    local log=$work/build.log
    say "building"
    if ! make -C "$work/linux" -s headers >"$log" 2>&1; then
        tail -n 20 "$log" >&2
        say "'make headers' failed; the end of $log is above."
        exit 1
    fi
    local program
    for program in iommufd iommufd_fail_nth; do
        if ! gcc -Wall -O2 -Wno-unused-function -D_GNU_SOURCE= "${backport[@]}" \
            -I "$work/linux/usr/include" -I "$work/linux/tools/testing/selftests" \
            -o "$work/$program" "$work/linux/tools/testing/selftests/iommu/$program.c" -lcap >>"$log" 2>&1; then
            tail -n 20 "$log" >&2
            say "$program does not compile; the end of $log is above."
            exit 1
        fi
    done
    touch "$work/built"
}

old_huge_pages=
reserve_huge_pages() {
    local file=/proc/sys/vm/nr_hugepages
    ((EUID == 0)) && [[ -w $file ]] || return 0
    old_huge_pages=$(<$file)
    if ((old_huge_pages < huge_pages)); then
        echo "$huge_pages" >$file
        (($(<$file) >= huge_pages)) || say "Linux set aside $(<$file) of $huge_pages huge pages: the variants with huge pages may fail in their set-up."
    fi
}

restore_huge_pages() {
    if [[ -n $old_huge_pages ]]; then
        echo "$old_huge_pages" >/proc/sys/vm/nr_hugepages
    fi
}

install_packages
extract
build
[[ -z $build_only ]] || exit 0

trap restore_huge_pages EXIT
reserve_huge_pages

all_passed=0
all_failed=0
for program in "${programs[@]}"; do
    log=$work/$program.log
    code=0
    timeout "$seconds_last" "$root/fastiova" run --test-backend --uapi 6.12-debian -- "$work/$program" ${arguments[@]+"${arguments[@]}"} >"$log" 2>&1 || code=$?
    passed=$(grep -c '^ok [0-9]* ' "$log" || true)
    skipped=$(grep -c '^ok [0-9]* .*# SKIP' "$log" || true)
    failed=$(grep -c '^not ok [0-9]* ' "$log" || true)
    passed=$((passed - skipped))
    # A program that ended early, or skipped, has not passed.
    lost=0
    if ((${#arguments[@]} == 0)); then
        lost=$((${expected[$program]} - passed - failed - skipped))
        ((lost > 0)) || lost=0
    fi
    if ((code != 0 && failed + skipped + lost == 0)); then
        lost=1
    fi
    printf '%s: %d passed, %d failed, %d skipped, %d not run (exit code %d)\n' "$program" "$passed" "$failed" "$skipped" "$lost" "$code"
    if ((failed + skipped + lost > 0)); then
        grep -E '^not ok|# SKIP' "$log" | head -n 40 | sed 's/^/    | /' || true
        printf '    | the whole log: %s\n' "$log"
    fi
    all_passed=$((all_passed + passed))
    all_failed=$((all_failed + failed + skipped + lost))
done

printf '%d passed, %d failed\n' "$all_passed" "$all_failed"
((all_failed == 0))
