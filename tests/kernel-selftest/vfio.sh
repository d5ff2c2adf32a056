#!/usr/bin/env bash
# Runs the vfio tests of Linux 7.3, unmodified, under fastiova, on each of its devices. The last line says "N passed, N failed";
# the exit code is 0 only when nothing failed, and nothing was skipped but what is named below, with its reason.
#
#   vfio.sh [--build-only] [--only PROGRAM] [--type1-strict] [-- ARGS for the programs]
#
# With --type1-strict /dev/vfio/vfio is VFIO's own container instead of iommufd's: an option of fastiova run, where it has it.
# run.sh brings the sources and what they need. As root this installs uuid-dev when it is missing, and sets huge pages aside for
# the time of the run. Everything built lies below artifacts/ and is reused.
set -euo pipefail

root=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../.." && pwd)
here=$root/artifacts/kernel-selftest
work=$here/7.3
tree=linux-source-7.3
own=$work/linux/tools/testing/selftests/vfio
programs=(vfio_iommufd_setup_test vfio_pci_device_test vfio_pci_device_init_perf_test vfio_dma_mapping_test vfio_dma_mapping_mmio_test
    vfio_pci_driver_test)
devices=(edu nvme,memory=16M testdev igb)
build_only=
strict=
arguments=()
seconds_last=600

# What each program has to show for each device: passed and skipped.
declare -A expected=([vfio_iommufd_setup_test]=6 [vfio_pci_device_test]=5 [vfio_pci_device_init_perf_test]=5
    [vfio_dma_mapping_test]=30 [vfio_dma_mapping_mmio_test]=15 [vfio_pci_driver_test]=35)

# A device has nothing to show there, and Linux skips it with the same device.
declare -A may_skip=(
    # A bus of its own, below a bridge that cannot be reset: only its own reset would do, which these two do not have.
    [edu/vfio_pci_device_test]='vfio_pci_device_test.reset vfio_pci_irq_test.msix.enable_trigger_disable' # MSI only
    [nvme/vfio_pci_device_test]='vfio_pci_irq_test.msi.enable_trigger_disable' # MSI-X only
    [igb/vfio_pci_device_test]='vfio_pci_irq_test.msi.enable_trigger_disable'
    [testdev/vfio_pci_device_test]='vfio_pci_device_test.reset vfio_pci_irq_test.msi.enable_trigger_disable
        vfio_pci_irq_test.msix.enable_trigger_disable' # no interrupts
    # Its BAR is one page.
    [testdev/vfio_dma_mapping_mmio_test]='vfio_dma_mapping_mmio_test.vfio_type1_iommu.map_partial_bar
        vfio_dma_mapping_mmio_test.vfio_type1v2_iommu.map_partial_bar vfio_dma_mapping_mmio_test.iommufd_compat_type1.map_partial_bar
        vfio_dma_mapping_mmio_test.iommufd_compat_type1v2.map_partial_bar vfio_dma_mapping_mmio_test.iommufd.map_partial_bar'
)
# Without a page of that size there is nothing to map.
without_gigantic='vfio_dma_mapping_test.vfio_type1_iommu_anonymous_hugetlb_1gb.dma_map_unmap
    vfio_dma_mapping_test.vfio_type1v2_iommu_anonymous_hugetlb_1gb.dma_map_unmap
    vfio_dma_mapping_test.iommufd_compat_type1_anonymous_hugetlb_1gb.dma_map_unmap
    vfio_dma_mapping_test.iommufd_compat_type1v2_anonymous_hugetlb_1gb.dma_map_unmap
    vfio_dma_mapping_test.iommufd_anonymous_hugetlb_1gb.dma_map_unmap'

# Not run: vfio_pci_sriov_uapi_test, since no device here has virtual functions: the program skips itself. Of the drivers of
# vfio_pci_driver_test one knows a device here, igb.

while (($# > 0)); do
    case $1 in
        --build-only) build_only=yes ;;
        --only) programs=("${2:?--only needs the name of a program}"); shift ;;
        --type1-strict) strict=--type1-strict ;;
        --) shift; arguments=("$@"); break ;;
        *) echo "vfio.sh: '$1' is no option of it: --build-only, --only PROGRAM, --type1-strict, -- ARGS." >&2; exit 2 ;;
    esac
    shift
done

say() { printf 'kernel-selftest: %s\n' "$*" >&2; }

. "$root/tests/debian.sh"

install_packages() {
    [[ ! -f /usr/include/uuid/uuid.h ]] || return 0
    if ((EUID != 0)); then
        say "the package uuid-dev is missing. Install it as root, or run this script as root once."
        exit 1
    fi
    quietly "$here/apt.log" "apt-get could not read the lists of packages" apt-get update
    quietly "$here/apt.log" "apt-get could not install uuid-dev" \
        env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends uuid-dev
}

# Beside what the iommufd tests need: the tests, and the headers of the devices that their library drives.
extract() {
    [[ ! -f $work/vfio/extracted ]] || return 0
    say "extracting the vfio tests"
    rm -rf "$work/vfio"
    mkdir -p "$work/vfio"
    tar -C "$work/linux" --strip-components=1 -xf "$here/7.3.tar.xz" --wildcards "$tree/tools/testing/selftests/vfio" \
        "$tree/drivers/dma/ioat/*.h" "$tree/drivers/dma/idxd/*.h" "$tree/drivers/net/ethernet/intel/igb/*.h"
    touch "$work/vfio/extracted"
}

build() {
    local log=$work/vfio/build.log program objects=()
    [[ ! $work/vfio/built -nt $root/tests/kernel-selftest/vfio.sh ]] || return 0
    say "building the vfio tests"
    : >"$log"
    local flags=(-Wall -O2 -D_GNU_SOURCE= -isystem "$work/linux/usr/include" -I "$work/linux/tools/testing/selftests"
        -I "$work/linux/tools/include" -I "$own/lib/include" -pthread)
    local source object
    for source in "$own"/lib/*.c "$own"/lib/drivers/*/*.c; do
        object=$work/vfio/$(basename "$source" .c).o
        quietly "$log" "$(basename "$source") does not compile" gcc "${flags[@]}" -c -o "$object" "$source"
        objects+=("$object")
    done
    for program in "${!expected[@]}"; do
        quietly "$log" "$program does not compile" gcc "${flags[@]}" -o "$work/vfio/$program" "$own/$program.c" "${objects[@]}" -luuid
    done
    touch "$work/vfio/built"
}

# huge FOLDER PAGES: sets pages of one size aside; restored at the end.
declare -A old_huge_pages=()
huge() {
    local file=/sys/kernel/mm/hugepages/$1/nr_hugepages wanted=$2
    ((EUID == 0)) && [[ -w $file ]] || return 0
    old_huge_pages[$file]=$(<"$file")
    if ((old_huge_pages[$file] < wanted)); then
        echo "$wanted" >"$file"
    fi
}

restore_huge_pages() {
    local file
    for file in "${!old_huge_pages[@]}"; do
        echo "${old_huge_pages[$file]}" >"$file"
    done
}

mkdir -p "$here"
"$root/tests/kernel-selftest/run.sh" --build-only 7.3
install_packages
extract
build
[[ -z $build_only ]] || exit 0

trap restore_huge_pages EXIT
huge hugepages-2048kB 8
huge hugepages-1048576kB 1
gigantic=/sys/kernel/mm/hugepages/hugepages-1048576kB/nr_hugepages
if [[ ! -f $gigantic ]] || (($(<"$gigantic") == 0)); then
    say "Linux has no huge page of 1 GiB to set aside: the variants with one are skipped, as they skip themselves on such a machine."
    for device in edu nvme testdev igb; do
        may_skip[$device/vfio_dma_mapping_test]=$without_gigantic
    done
fi

all_passed=0
all_failed=0

# run PROGRAM DEVICE EXPECTED OPTIONS... -- ARGS...: adds to both sums. The options are those of fastiova run.
run() {
    local program=$1 device=$2 lost=$3 name code=0 passed skipped failed allowed=0 options=()
    local model=${device%%,*}
    shift 3
    while (($# > 0)) && [[ $1 != -- ]]; do
        options+=("$1")
        shift
    done
    local log=$work/vfio/$program.$model${options[0]+.options}.log
    timeout "$seconds_last" "$root/fastiova" run --device "$device" ${options[@]+"${options[@]}"} -- \
        "$work/vfio/$program" "${@:2}" ${arguments[@]+"${arguments[@]}"} 0000:01:00.0 >"$log" 2>&1 || code=$?
    passed=$(grep -c '^ok [0-9]* ' "$log" || true)
    skipped=$(grep -c '^ok [0-9]* .*# SKIP' "$log" || true)
    failed=$(grep -c '^not ok [0-9]* ' "$log" || true)
    passed=$((passed - skipped))
    for name in ${may_skip[$model/$program]-}; do
        if grep -qE "^ok [0-9]+ ${name//./\\.} # SKIP" "$log"; then
            allowed=$((allowed + 1))
        fi
    done
    skipped=$((skipped - allowed))
    # A program that ended early has not passed.
    lost=$((lost - passed - failed - skipped - allowed))
    if ((lost < 0 || ${#arguments[@]} > 0)); then
        lost=0
    fi
    if ((code != 0 && failed + skipped + lost == 0)); then
        lost=1
    fi
    printf '%s on %s: %d passed, %d failed, %d skipped as in Linux, %d skipped, %d not run (exit code %d)\n' \
        "$program" "$model${options[0]+ ${options[*]}}" "$passed" "$failed" "$allowed" "$skipped" "$lost" "$code"
    if ((failed + skipped + lost > 0)); then
        grep -E '^not ok|# SKIP|Assertion|Expression|Observed' "$log" | head -n 60 | sed 's/^/    | /' || true
        printf '    | the whole log: %s\n' "$log"
    fi
    all_passed=$((all_passed + passed))
    all_failed=$((all_failed + failed + skipped + lost))
}

for program in "${programs[@]}"; do
    for device in "${devices[@]}"; do
        if [[ $program == vfio_dma_mapping_mmio_test && -z $strict ]]; then
            # Where /dev/vfio/vfio is the container of iommufd, as here and in a Linux with CONFIG_IOMMUFD_VFIO_CONTAINER, memory of
            # devices is refused in every mode. The test wants it mapped in the two modes of VFIO's own container.
            run "$program" "$device" 9 -- -V vfio_type1_iommu -V vfio_type1v2_iommu
        elif [[ $program == vfio_pci_driver_test ]]; then
            [[ $device != igb ]] || run "$program" "$device" "${expected[$program]}" $strict --
        else
            run "$program" "$device" "${expected[$program]}" $strict --
        fi
    done
    # Several devices are opened at the same time.
    if [[ $program == vfio_pci_device_init_perf_test ]]; then
        run "$program" edu "${expected[$program]}" $strict --device nvme,memory=16M --device testdev -- 0000:02:00.0 0000:03:00.0
    fi
done

printf '%d passed, %d failed\n' "$all_passed" "$all_failed"
((all_failed == 0))
