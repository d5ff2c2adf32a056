#!/usr/bin/env bash
# Runs an unmodified QEMU 10.0 under fastiova: a Linux guest, of Debian's kernel and a small initramfs, drives an NVMe disk
# and an educational device that FastIova offers by VFIO. The last line says "N passed, N failed"; the exit code is 0 only
# when nothing failed.
#
#   run.sh [--quick] [--only PATH] [--keep] [--build-only]
#
#   --quick      write 16 MiB instead of 256, and take two of the paths, which share nothing
#   --only PATH  one of: group, group-strict, cdev, group-viommu, cdev-viommu
#   --keep       leave the disk images below artifacts/
#   --build-only download and build, boot nothing
#
# The paths: the VFIO group with its container, which is iommufd's or, strictly, VFIO's own, and the iommufd with the device's own
# file; on each of these two, too, with an IOMMU that QEMU emulates for the guest (intel-iommu, caching mode, strict), whose
# tables QEMU shadows page by page into FastIova.
#
# QEMU, the guest's kernel and busybox are Debian packages (bookworm, and bookworm-backports for QEMU). They are downloaded by
# lists of their own and unpacked below artifacts/, nothing is installed, and nobody needs to be root. There is no KVM.
set -euo pipefail

root=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../.." && pwd)
here=$root/artifacts/qemu
unpacked=$here/root
paths=(group group-strict cdev group-viommu cdev-viommu)
mib=256
seconds_last=900 # for one path; a guest that panics starts again and again
keep=
build_only=

while (($# > 0)); do
    case $1 in
        --quick) mib=16 seconds_last=300 paths=(group cdev-viommu) ;;
        --only)
            paths=("${2:?--only needs a path}")
            [[ $2 =~ ^((group|cdev)(-viommu)?|group-strict)$ ]] || { echo "run.sh: --only '$2': give group, group-strict, cdev, group-viommu or cdev-viommu." >&2; exit 2; }
            shift
            ;;
        --keep) keep=yes ;;
        --build-only) build_only=yes ;;
        -h | --help) sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}"; exit 0 ;;
        *) echo "run.sh: '$1' is no option of it: --quick, --only PATH, --keep, --build-only." >&2; exit 2 ;;
    esac
    shift
done

say() { printf 'qemu: %s\n' "$*" >&2; }

. "$root/tests/debian.sh"

# Packages that the machine lacks, and what they need, by lists of its own; no package of the machine changes.
download() {
    [[ ! -f $here/unpacked ]] || return 0
    local apt=$here/apt own=() kernel package
    rm -rf "$unpacked"
    mkdir -p "$unpacked"
    say "downloading QEMU and the guest"
    own_lists "$apt" "$here/log" deb bookworm bookworm-backports
    quietly "$here/log" "apt-get could not download QEMU" \
        apt-get "${own[@]}" -y --no-install-recommends --download-only -t bookworm-backports install --reinstall qemu-system-x86 qemu-system-common qemu-system-data seabios
    kernel=$(apt-cache "${own[@]}" depends linux-image-amd64/bookworm | sed -n 's/.*Depends: \(linux-image-[0-9].*\)/\1/p' | head -n 1)
    for package in "$kernel" busybox-static; do
        (cd "$apt/archives" && quietly "$here/log" "apt-get could not download $package" apt-get "${own[@]}" download "$package")
    done
    for package in "$apt"/archives/*.deb; do
        dpkg-deb -x "$package" "$unpacked"
    done
    rm -rf "$apt"
    touch "$here/unpacked"
}

# Modules in an order in which each finds what it needs.
add_modules() {
    local folder=$1 release=$2 name file at=10
    declare -A added=()
    for name in crc32c_generic ext4 nvme; do
        # The file, a colon, and what it needs: the deepest need is the last.
        local line
        line=$(grep -E "/$name\.ko:" "$unpacked/lib/modules/$release/modules.dep")
        for file in $(tr ' ' '\n' <<<"${line#*:}" | tac) "${line%%:*}"; do
            [[ -z ${added[$file]-} ]] || continue
            added[$file]=yes
            cp "$unpacked/lib/modules/$release/$file" "$folder/$at-${file##*/}"
            at=$((at + 1))
        done
    done
}

build_guest() {
    local folder=$here/guest release
    release=$(basename "$unpacked"/boot/vmlinuz-*)
    release=${release#vmlinuz-}
    rm -rf "$folder"
    mkdir -p "$folder"/{bin,modules,proc,sys,dev,mnt}
    quietly "$here/log" "depmod failed" "$unpacked/bin/busybox" depmod -b "$unpacked" "$release"
    add_modules "$folder/modules" "$release"
    cp "$unpacked/bin/busybox" "$folder/bin/"
    cp "$root/tests/qemu/guest/init" "$folder/init"
    quietly "$here/log" "the guest's program could not be built" \
        gcc -O2 -Wall -Wextra -Werror -Wno-unused-result -static -o "$folder/bin/edu_dma" "$root/tests/qemu/guest/edu_dma.c"
    (cd "$folder" && find . | "$unpacked/bin/busybox" cpio -o -H newc 2>/dev/null | gzip -1) >"$here/initrd.gz"
    ln -sf "$unpacked/boot/vmlinuz-$release" "$here/kernel"
}

passed=0
failed=0
ok() { passed=$((passed + 1)); printf 'ok      %s\n' "$1"; }
bad() { failed=$((failed + 1)); printf 'FAILED  %s\n' "$1"; }

# check NAME COMMAND...
check() {
    local name=$1
    shift
    if "$@"; then ok "$name"; else bad "$name"; fi
}

saw() { grep -qxF "ok $1" "$2"; }

# What the guest wrote to the raw partition is in the image.
image_has() {
    local image=$1 start sum
    read -r start sum < <(sed -n 's/^say raw //p' "$2")
    [[ -n ${sum-} && $(dd if="$image" bs=512 skip="$start" count=16384 status=none | sha256sum | cut -d ' ' -f 1) == "$sum" ]]
}

boot() {
    # What the guest says comes by a serial port of its own: the console has lines of the guest's kernel between, and a line of
    # QEMU's or fastiova's can come amid one of the guest's.
    local path=$1 image=$here/$1.img said=$here/$1.said out=$here/$1.txt log=$here/$1.log start=$SECONDS code=0 name failed_before=$failed
    local edu=0000:02:00.0
    local append="console=ttyS0 quiet panic=-1 fastiova.mib=$mib" machine=() engine=() end='' expected=(probe partition filesystem remount rebind edu-registers)
    [[ $path != cdev* ]] || { machine+=(-object iommufd,id=iommu0); end=,iommufd=iommu0; }
    [[ $path != *strict ]] || engine+=(--type1-strict)
    if [[ $path == *viommu ]]; then
        machine+=(-device intel-iommu,caching-mode=on)
        append+=' intel_iommu=on iommu.strict=1 fastiova.iommu=on'
        expected+=(edu-is-stopped edu-nowhere end reboot)
    else
        append+=' fastiova.iommu=off'
        expected+=(edu-copies edu-nowhere end reboot)
    fi
    # Memory of its own for one, which is copied; a shared object for the other, which the engine reaches directly.
    if [[ $path == cdev* ]]; then
        machine+=(-object memory-backend-memfd,id=memory,size=512M,share=on -machine memory-backend=memory)
    fi
    rm -f "$image" "$said" "$log"
    truncate -s $((2 * mib + 64))M "$image"
    LD_LIBRARY_PATH=$unpacked/usr/lib/x86_64-linux-gnu:$unpacked/lib/x86_64-linux-gnu timeout "$seconds_last" \
        "$root/fastiova" run "${engine[@]}" --summary --memlock unlimited --log "$log" --device "nvme,image=$image,bdf=0000:01:00.0" --device "edu,dma_mask=0xffffffffffff,bdf=$edu" -- \
        "$unpacked/usr/bin/qemu-system-x86_64" -L "$unpacked/usr/share/qemu" -L "$unpacked/usr/share/seabios" \
        -machine q35 -accel tcg -cpu max -smp 2 -m 512 -nodefaults -display none -serial stdio -serial "file:$said" \
        -kernel "$here/kernel" -initrd "$here/initrd.gz" -append "$append" "${machine[@]}" \
        -device "vfio-pci,host=0000:01:00.0$end" -device "vfio-pci,host=$edu$end" \
        </dev/null >"$out" 2>&1 || code=$?
    touch "$said" # a QEMU that could not start has made none
    sed -i 's/\r$//' "$said" "$out"
    printf 'path %s: %d MiB written, %d s\n' "$path" "$mib" $((SECONDS - start))
    sed -n 's/^say queues/        queues/p' "$said"
    sed -n 's/^fastiova: /        /p' "$out"
    check "$path: QEMU ends, with 0" test "$code" = 0
    for name in "${expected[@]}"; do
        check "$path: $name" saw "$name" "$said"
    done
    check "$path: the guest complains of nothing" eval '! grep -q "^FAILED" "$said"'
    check "$path: the image has what the guest wrote" image_has "$image" "$said"
    check "$path: wrong DMA is in the log" grep -qF "$edu" "$log"
    check "$path: no other DMA was refused" eval '! grep -F "0000:01:00.0" "$log" 2>/dev/null'
    if ((failed > failed_before)); then
        { sed 's/^/guest: /' "$said"; tail -n 20 "$out"; } | sed 's/^/    | /'
    fi
    [[ -n $keep ]] || rm -f "$image"
}

command -v gcc >/dev/null || { say "gcc is missing: it builds the guest's program."; exit 1; }
mkdir -p "$here"
download
build_guest
[[ -z $build_only ]] || exit 0
for path in "${paths[@]}"; do
    boot "$path"
done
printf '%d passed, %d failed\n' "$passed" "$failed"
((failed == 0))
