#!/usr/bin/env bash
# Runs the iommufd tests of Linux 6.12 and 7.3, unmodified, under fastiova. The last line says "N passed, N failed"; the
# exit code is 0 only when nothing failed, and nothing was skipped but what has nothing to test in Linux itself.
#
#   run.sh [--build-only] [--only PROGRAM] [RELEASE...] [-- ARGS for the programs]
#
# The sources come from Debian's packages linux-source-6.12 and linux-source-7.3 at test time. As root the first and the
# tools are installed when they are missing, and huge pages are set aside for the time of the run; the second is only
# downloaded, from a newer suite of the mirror that the machine uses, by lists of its own: the machine's stay as they are.
# Everything built lies below artifacts/ and is reused.
set -euo pipefail

root=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../.." && pwd)
here=$root/artifacts/kernel-selftest
releases=()
programs=(iommufd iommufd_fail_nth)
declare -A expected=([6.12/iommufd]=190 [6.12/iommufd_fail_nth]=7 [7.3/iommufd]=241 [7.3/iommufd_fail_nth]=8)
declare -A level=([6.12]=6.12-debian [7.3]=latest)
# Without a virtual IOMMU these have nothing to test: Linux skips them, too. No other may be skipped.
declare -A may_skip=([7.3/iommufd]='viommu_alloc_nested_iopf viommu_alloc_with_data vdevice_cache hw_queue vdevice_tombstone')
skip_fixture=iommufd_viommu.no_viommu
# Debian's 6.12 carries a part of newer tests; these five definitions are what that part forgot. The sources stay as they are.
declare -A forgotten=([6.12]='-DIOMMU_HW_INFO_TYPE_DEFAULT=0 -DIOMMU_HW_INFO_FLAG_INPUT_TYPE=1 -Din_data_type=out_data_type
    -DMOCK_FLAGS_DEVICE_PASID=4 -DMOCK_PASID_WIDTH=20' [7.3]='')
newer_suite=trixie-backports # has linux-source-7.3
build_only=
arguments=()
huge_pages=140 # 2 MiB each: the largest variant maps 128 MiB
seconds_last=600

while (($# > 0)); do
    case $1 in
        --build-only) build_only=yes ;;
        --only) programs=("${2:?--only needs the name of a program}"); shift ;;
        6.12 | 7.3) releases+=("$1") ;;
        --) shift; arguments=("$@"); break ;;
        *) echo "run.sh: '$1' is no option of it: --build-only, --only PROGRAM, 6.12, 7.3, -- ARGS." >&2; exit 2 ;;
    esac
    shift
done
((${#releases[@]} > 0)) || releases=(6.12 7.3)

say() { printf 'kernel-selftest: %s\n' "$*" >&2; }

. "$root/tests/debian.sh"

install_packages() {
    local missing=()
    [[ -f /usr/include/sys/capability.h ]] || missing+=(libcap-dev)
    command -v gcc >/dev/null || missing+=(gcc libc6-dev)
    command -v make >/dev/null || missing+=(make)
    command -v rsync >/dev/null || missing+=(rsync)
    command -v flex >/dev/null || missing+=(flex)
    command -v bison >/dev/null || missing+=(bison)
    command -v xz >/dev/null || missing+=(xz-utils)
    local release
    for release in "${releases[@]}"; do
        [[ $release != 6.12 || -f $(archive_of 6.12) ]] || missing+=(linux-source-6.12)
    done
    ((${#missing[@]} > 0)) || return 0
    if ((EUID != 0)); then
        say "these packages are missing: ${missing[*]}. Install them as root, or run this script as root once."
        exit 1
    fi
    quietly "$here/apt.log" "apt-get could not read the lists of packages" apt-get update
    quietly "$here/apt.log" "apt-get could not install ${missing[*]}" \
        env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${missing[@]}"
}

archive_of() {
    case $1 in
        6.12) echo /usr/src/linux-source-6.12.tar.xz ;;
        *) echo "$here/$1.tar.xz" ;;
    esac
}

# The package of a newer suite is for any machine and is not installed. The suite is never part of what the machine
# installs from: its source, its lists and its downloads lie below artifacts/.
download() {
    local release=$1 archive apt=$here/apt own=()
    archive=$(archive_of "$release")
    [[ ! -f $archive ]] || return 0
    say "downloading linux-source-$release"
    own_lists "$apt" "$here/apt.log" deb "$newer_suite"
    (cd "$apt" && quietly "$here/apt.log" "apt-get could not download linux-source-$release" apt-get "${own[@]}" download "linux-source-$release")
    dpkg-deb --fsys-tarfile "$apt"/linux-source-"$release"_*.deb | tar -xO "./usr/src/linux-source-$release.tar.xz" >"$archive.part"
    mv "$archive.part" "$archive"
    rm -rf "$apt"
}

# Only what 'make headers' and the two programs read: a tenth of the tree.
extract() {
    local release=$1 work=$here/$1 tree=linux-source-$1
    [[ ! -f $work/extracted ]] || return 0
    say "extracting the sources of $release"
    rm -rf "$work"
    mkdir -p "$work/linux"
    tar -C "$work/linux" --strip-components=1 -xf "$(archive_of "$release")" --wildcards \
        "$tree/Makefile" "$tree/Kbuild" "$tree/Kconfig" "$tree/scripts" \
        "$tree/include" "$tree/usr" "$tree/arch/x86" "$tree/arch/arm64" \
        "$tree/tools/testing/selftests/*.h" "$tree/tools/testing/selftests/lib.mk" \
        "$tree/tools/testing/selftests/iommu" "$tree/tools/include" "$tree/tools/scripts" \
        "$tree/tools/arch" "$tree/drivers/iommu/iommufd"
    touch "$work/extracted"
}

build() {
    local release=$1 work=$here/$1 log=$here/$1/build.log program
    [[ ! -f $work/built ]] || return 0
    say "building those of $release"
    : >"$log"
    quietly "$log" "'make headers' failed" make -C "$work/linux" -s headers
    for program in iommufd iommufd_fail_nth; do
        # shellcheck disable=SC2086 # the definitions are words
        quietly "$log" "$program does not compile" gcc -Wall -O2 -Wno-unused-function -D_GNU_SOURCE= ${forgotten[$release]} \
            -I "$work/linux/usr/include" -I "$work/linux/tools/testing/selftests" \
            -o "$work/$program" "$work/linux/tools/testing/selftests/iommu/$program.c" -lcap
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

mkdir -p "$here"
install_packages
for release in "${releases[@]}"; do
    [[ $release == 6.12 ]] || download "$release"
    extract "$release"
    build "$release"
done
[[ -z $build_only ]] || exit 0

trap restore_huge_pages EXIT
reserve_huge_pages

all_passed=0
all_failed=0

# run RELEASE PROGRAM: adds to both sums.
run() {
    local release=$1 program=$2 work=$here/$1 log=$here/$1/$2.log code=0 passed skipped failed lost=0 allowed=0 name
    timeout "$seconds_last" "$root/fastiova" run --test-backend --uapi "${level[$release]}" -- \
        "$work/$program" ${arguments[@]+"${arguments[@]}"} >"$log" 2>&1 || code=$?
    passed=$(grep -c '^ok [0-9]* ' "$log" || true)
    skipped=$(grep -c '^ok [0-9]* .*# SKIP' "$log" || true)
    failed=$(grep -c '^not ok [0-9]* ' "$log" || true)
    passed=$((passed - skipped))
    for name in ${may_skip[$release/$program]-}; do
        grep -qE "^ok [0-9]+ $skip_fixture\.$name # SKIP" "$log" || continue
        allowed=$((allowed + 1))
    done
    skipped=$((skipped - allowed))
    # A program that ended early, or skipped, has not passed.
    if ((${#arguments[@]} == 0)); then
        lost=$((${expected[$release/$program]} - passed - failed - skipped))
        ((lost > 0)) || lost=0
    fi
    if ((code != 0 && failed + skipped + lost == 0)); then
        lost=1
    fi
    printf '%s of %s: %d passed, %d failed, %d skipped as in Linux, %d skipped, %d not run (exit code %d)\n' \
        "$program" "$release" "$passed" "$failed" "$allowed" "$skipped" "$lost" "$code"
    if ((failed + skipped + lost > 0)); then
        grep -E '^not ok|# SKIP' "$log" | head -n 60 | sed 's/^/    | /' || true
        printf '    | the whole log: %s\n' "$log"
    fi
    all_passed=$((all_passed + passed))
    all_failed=$((all_failed + failed + skipped + lost))
}

for release in "${releases[@]}"; do
    for program in "${programs[@]}"; do
        run "$release" "$program"
    done
done

printf '%d passed, %d failed\n' "$all_passed" "$all_failed"
((all_failed == 0))
