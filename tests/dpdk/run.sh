#!/usr/bin/env bash
# Runs an unmodified DPDK 22.11 under fastiova: its environment finds an NVMe controller that FastIova offers, opens it by VFIO, maps
# it and DPDK's own memory, and hands its interrupts to a small driver, nvme.c, that writes and reads blocks. The last line says
# "N passed, N failed"; the exit code is 0 only when nothing failed.
#
#   run.sh [--build-only] [-- ARGS for DPDK]
#
#   --build-only   download and build, run nothing
#
# DPDK and what it needs are Debian packages. They are downloaded by lists of their own and unpacked below artifacts/, nothing is
# installed, and nobody needs to be root; root also runs it on huge pages, set aside for the time of the run. Three headers for
# drivers outside of DPDK's tree, which the packages lack, come from Debian's source package.
set -euo pipefail

root=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../.." && pwd)
here=$root/artifacts/dpdk
unpacked=$here/root
libraries=$unpacked/usr/lib/x86_64-linux-gnu
packages=(libdpdk-dev librte-eal23 librte-bus-pci23 librte-pci23 librte-kvargs23 librte-telemetry23 libfdt1 libbsd0 libmd0 libnuma1)
device=nvme,memory=16M
seconds_last=60
arguments=()
build_only=

while (($# > 0)); do
    case $1 in
        -h | --help) sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}"; exit 0 ;;
        --build-only) build_only=yes ;;
        --) shift; arguments=("$@"); break ;;
        *) echo "run.sh: '$1' is no option of it: --build-only, -- ARGS for DPDK." >&2; exit 2 ;;
    esac
    shift
done

say() { printf 'dpdk: %s\n' "$*" >&2; }

. "$root/tests/debian.sh"

download() {
    [[ ! -f $here/unpacked ]] || return 0
    local apt=$here/apt own=() package
    rm -rf "$unpacked"
    mkdir -p "$unpacked"
    say "downloading DPDK"
    own_lists "$apt" "$here/log" 'deb deb-src' bookworm
    (
        cd "$apt/archives"
        quietly "$here/log" "apt-get could not download DPDK" apt-get "${own[@]}" download "${packages[@]}"
        quietly "$here/log" "apt-get could not download the source of DPDK" apt-get "${own[@]}" --download-only --only-source source dpdk
        for package in *.deb; do
            dpkg-deb -x "$package" "$unpacked"
        done
        mkdir "$unpacked/source"
        tar -C "$unpacked/source" --strip-components=1 -xf dpdk_*.orig.tar.xz --wildcards \
            '*/drivers/bus/pci/bus_pci_driver.h' '*/lib/eal/include/dev_driver.h' '*/lib/eal/include/bus_driver.h'
    )
    rm -rf "$apt"
    touch "$here/unpacked"
}

build() {
    local headers=$unpacked/usr/include source=$root/tests/dpdk/nvme.c
    [[ ! $here/nvme -nt $source || ! $here/nvme -nt ${BASH_SOURCE[0]} ]] || return 0
    quietly "$here/log" "nvme.c does not compile" gcc -std=gnu11 -O2 -Wall -Wextra -Wno-unused-parameter -march=corei7 -o "$here/nvme" \
        -include "$headers/x86_64-linux-gnu/dpdk/rte_config.h" -isystem "$headers/dpdk" -isystem "$headers/x86_64-linux-gnu/dpdk" \
        -isystem "$unpacked/source/drivers/bus/pci" -isystem "$unpacked/source/lib/eal/include" "$source" \
        -L "$libraries" -Wl,--no-as-needed -lrte_bus_pci -lrte_eal -lrte_kvargs -lrte_pci -lrte_telemetry -Wl,--disable-new-dtags,-rpath,"$libraries"
}

old_huge_pages=
restore_huge_pages() {
    if [[ -n $old_huge_pages ]]; then
        echo "$old_huge_pages" >/proc/sys/vm/nr_hugepages
    fi
}

passed=0
failed=0

# run NAME ARGS...: counts as one.
run() {
    local name=$1 code=0 log
    shift
    log=$here/${name// /-}.log
    timeout "$seconds_last" "$root/fastiova" run --memlock unlimited --device "$device" -- \
        "$here/nvme" -l 0 -m 64 "$@" ${arguments[@]+"${arguments[@]}"} >"$log" 2>&1 || code=$?
    if ((code == 0)) && grep -q '^nvme: 32 blocks written, read and compared; interrupts came$' "$log" && ! grep -q 'DMA refused' "$log"; then
        passed=$((passed + 1))
        printf 'ok      %s\n' "$name"
    else
        failed=$((failed + 1))
        printf 'FAILED  %s: exit code %d; the whole log: %s\n' "$name" "$code" "$log"
        tail -n 20 "$log" | sed 's/^/    | /'
    fi
}

mkdir -p "$here"
download
build
[[ -z $build_only ]] || exit 0
trap restore_huge_pages EXIT

run 'small pages' --no-huge --no-shconf
run 'small pages, pin interrupt' --no-huge --no-shconf --vfio-intr legacy
if ((EUID == 0)); then
    old_huge_pages=$(</proc/sys/vm/nr_hugepages)
    ((old_huge_pages >= 64)) || echo 64 >/proc/sys/vm/nr_hugepages
    run 'huge pages' --in-memory
fi

printf '%d passed, %d failed\n' "$passed" "$failed"
((failed == 0))
