#!/usr/bin/env bash
# Checks the C interface as a stranger meets it: against an installed copy, found by pkg-config. Then the samples, and
# every block of docs/embedding.md. Says "N passed, N failed" in its last line.
set -uo pipefail

if [[ ${1-} == -h || ${1-} == --help ]]; then
    echo "Usage: tests/native/run.sh
Installs the library below artifacts/native/install (native/build.sh), then runs the C tests, the samples in C and Rust, and the
blocks of docs/embedding.md, which make the packages and run the C# sample."
    exit 0
fi

cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../.." || exit 2
root=$PWD
unset FASTIOVA_ISA FASTIOVA_CODE
export MSBUILDDISABLENODEREUSE=1 MSBUILDTERMINALLOGGER=off DOTNET_CLI_UI_LANGUAGE=en DOTNET_NOLOGO=1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0
failed=0

# check NAME COMMAND...: one case; shows what the command said when it fails.
check() {
    local name=$1
    shift
    if "$@" >"$work/log" 2>&1; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAILED $name"
        tail -n 60 "$work/log" | sed 's/^/    | /'
    fi
}

prefix=$root/artifacts/native/install
check 'native/build.sh' native/build.sh "$prefix"
check 'native/build.sh --help' native/build.sh --help
refuses() { ! "$@"; }
check 'native/build.sh refuses an unknown option' refuses native/build.sh --no-such-option
export PKG_CONFIG_PATH=$prefix/lib/pkgconfig
[[ -f $prefix/lib/libfastiova.so ]] || { echo "0 passed, $((failed + 1)) failed"; exit 1; }
read -ra flags <<<"$(pkg-config --cflags --libs fastiova) -Wl,-rpath,$(pkg-config --variable=libdir fastiova)"
strict=(-std=gnu11 -O2 -Wall -Wextra -Werror)

# The C tests, once for each kind of code and each width of vectors.
check 'the C tests compile' gcc "${strict[@]}" -o "$work/check" tests/native/*.c "${flags[@]}" -pthread
code=$(grep -q avx512vl /proc/cpuinfo && echo v4 || echo v3)
widths=(256)
[[ $code == v3 ]] || widths+=(512)
check "the C tests" "$work/check"
check "the C tests, code v3" env FASTIOVA_CODE=v3 "$work/check"
for width in "${widths[@]}"; do
    check "the C tests, FASTIOVA_ISA=$width" env "FASTIOVA_ISA=$width" "$work/check"
done
check 'FASTIOVA_ISA=scalar, which the library does not have' env FASTIOVA_ISA=scalar "$work/check" vectors_are_those_of_the_code
check 'FASTIOVA_ISA=512 with the code of 256' env FASTIOVA_ISA=512 FASTIOVA_CODE=v3 "$work/check" vectors_are_those_of_the_code

# The header is plain C99 and C++, the library exports what the header declares, and one without its parts says so.
printf '#include <fastiova.h>\nint main(void) { return fi_abi_version() != FI_ABI_VERSION; }\n' >"$work/least.c"
check 'C99' gcc -std=c99 -pedantic -Wall -Wextra -Werror -o "$work/least" "$work/least.c" "${flags[@]}"
check 'the library says its version' "$work/least"
if command -v g++ >"$work/log"; then
    check 'C++' g++ -x c++ -std=c++11 -pedantic -Wall -Wextra -Werror -fsyntax-only -I "$prefix/include" "$work/least.c"
fi
mkdir "$work/alone"
cp "$prefix/lib/libfastiova.so.1" "$work/alone/"
without_parts() {
    local code=0
    LD_LIBRARY_PATH=$work/alone "$work/check" translates_one || code=$?
    ((code == 1)) && grep -q 'is -79, 0 expected' "$work/log" && grep -q 'FastIova cannot start' "$work/log"
}
gcc "${strict[@]}" -I "$prefix/include" -o "$work/check" tests/native/*.c -L "$prefix/lib" -lfastiova -pthread
check 'a library without its parts refuses every call' without_parts

# Samples.
check 'the C sample compiles' gcc "${strict[@]}" -o "$work/emulator" samples/c/emulator.c "${flags[@]}"
check 'the C sample' "$work/emulator"
if command -v cargo >"$work/log"; then
    check 'the Rust sample' cargo run --release --offline --locked --manifest-path samples/rust/Cargo.toml --target-dir "$root/artifacts/samples/rust"
fi
# docs/embedding.md: its C programs lie where its commands expect them, then its commands run in one shell, in order; the
# last of them make the packages and run the C# sample with them. Packages of the same version may lie in the sample's
# cache since the last run. NuGet's cache and the SDK's own notes stay where they are: only HOME is another one.
rm -rf artifacts/samples/packages artifacts/samples/obj artifacts/packages
home=$work/home
mkdir -p "$home/emulator"
awk -v folder="$home/emulator" '
    /^```c$/ { inside = 1; file = ""; next }
    /^```$/ { inside = 0; next }
    inside && file == "" { file = folder "/" $2 }
    inside { print > file }' docs/embedding.md
awk '/^```sh$/ { inside = 1; next } /^```$/ { inside = 0; next } inside' docs/embedding.md >"$work/commands.sh"
blocks=$(grep -c '^```c$' docs/embedding.md)
check 'docs/embedding.md has C programs and commands' test "$blocks" -gt 0 -a -s "$work/commands.sh" -a "$(find "$home/emulator" -name '*.c' | wc -l)" -eq "$blocks"
check 'docs/embedding.md' env -u PKG_CONFIG_PATH "NUGET_PACKAGES=${NUGET_PACKAGES:-$HOME/.nuget/packages}" "DOTNET_CLI_HOME=${DOTNET_CLI_HOME:-$HOME}" "HOME=$home" \
    bash -euo pipefail "$work/commands.sh"
check 'both packages are there' bash -c 'ls artifacts/packages/FastIova.[0-9]*.nupkg artifacts/packages/FastIova.Models.[0-9]*.nupkg'

echo "$passed passed, $failed failed"
((failed == 0))
