#!/usr/bin/env bash
# Builds the C library and installs it below a prefix.
set -euo pipefail

usage() {
    cat <<'TEXT'
Usage: native/build.sh [PREFIX]

Builds libfastiova.so for C and other languages and installs it below PREFIX
(artifacts/native/install of this tree unless told otherwise):

  PREFIX/lib/libfastiova.so                what programs link with
  PREFIX/lib/fastiova/x86-64-v3.so, -v4.so the code for two kinds of processors, chosen by the first call
  PREFIX/include/fastiova.h                the interface, with its documentation
  PREFIX/lib/pkgconfig/fastiova.pc         for pkg-config

Needs the .NET 10 SDK and gcc to build, and nothing of them to run. Takes a minute or two; what is built is kept in
artifacts/native, so that a second call is short.

Environment:
  FASTIOVA_NATIVE_FRAMEWORK   net10.0 or net9.0: which ahead-of-time compiler is used; unset, the first that can be restored

Then:
  export PKG_CONFIG_PATH=PREFIX/lib/pkgconfig
  gcc program.c $(pkg-config --cflags --libs fastiova) -Wl,-rpath,PREFIX/lib
TEXT
}

case ${1-} in
    -h | --help)
        usage
        exit 0
        ;;
    -*)
        echo "native/build.sh: there is no option $1: see native/build.sh --help" >&2
        exit 2
        ;;
esac
if (($# > 1)); then
    echo "native/build.sh: give one prefix at most: see native/build.sh --help" >&2
    exit 2
fi

root=$(dirname "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")")
work=$root/artifacts/native
prefix=${1:-$work/install}
log=$work/build.log
mkdir -p "$work"
exec 9>"$work/lock"
flock 9 # of two builds started together, one waits

export MSBUILDDISABLENODEREUSE=1 MSBUILDTERMINALLOGGER=off DOTNET_CLI_UI_LANGUAGE=en DOTNET_NOLOGO=1

# quiet COMMAND...: shows what it said only when it failed.
quiet() {
    if ! "$@" 9>&- >"$log" 2>&1; then
        cat "$log" >&2
        echo "native/build.sh: the build failed; the messages are above." >&2
        exit 1
    fi
}

# What all steps are told: which framework, and that the ordinary build has its own folder and its own checks.
properties() {
    common=(-p:FastIovaNative=true "-p:FastIovaFramework=$1" "-p:ArtifactsPath=$work/$1/" -p:RunAnalyzers=false -p:EnforceCodeStyleInBuild=false -p:GenerateDocumentationFile=false)
}

# Folders count too: their time changes when a file is taken away.
is_current() {
    [[ -f $work/built && $(cat "$work/built") == "${FASTIOVA_NATIVE_FRAMEWORK:-any}" ]] &&
        [[ -z $(find "$root/src" "$root/native" "$root"/Directory.*.props "$root/global.json" -newer "$work/built" -print -quit) ]]
}

if ! is_current; then
    # Made before the build: an edit during the build is then newer than it.
    echo "${FASTIOVA_NATIVE_FRAMEWORK:-any}" >"$work/built.next"

    # The compiler for a framework may be missing from the package source: the first that is there is used, and tried first again.
    framework=
    for candidate in ${FASTIOVA_NATIVE_FRAMEWORK:-$(cat "$work/framework" 2>/dev/null) net10.0 net9.0}; do
        properties "$candidate"
        if dotnet restore "$root/src/Native" -nologo -v quiet "${common[@]}" 9>&- >"$log" 2>&1; then
            framework=$candidate
            break
        fi
    done
    if [[ -z $framework ]]; then
        cat "$log" >&2
        echo "native/build.sh: no ahead-of-time compiler can be restored; the messages of the last try are above." >&2
        exit 1
    fi
    echo "$framework" >"$work/framework"

    quiet dotnet build "$root/src/Native" -c Release --no-restore -nologo -v quiet "${common[@]}"
    for level in v3 v4; do
        quiet dotnet publish "$root/src/Native" -c Release --no-build -nologo -v quiet "${common[@]}" "-p:IlcInstructionSet=x86-x64-$level" \
            "-p:NativeIntermediateOutputPath=$work/$framework/$level/obj/" "-p:NativeOutputPath=$work/$framework/$level/" -o "$work/$framework/$level/publish"
        install -m 755 "$work/$framework/$level/publish/FastIova.Native.so" "$work/x86-64-$level.so"
    done
    quiet gcc -std=gnu11 -O2 -Wall -Wextra -Werror -fPIC -shared -fvisibility=hidden -Wl,-z,relro,-z,now,-z,nodelete -Wl,-soname,libfastiova.so.1 \
        -o "$work/libfastiova.so.1" "$root/native/loader.c" -ldl -pthread
    mv "$work/built.next" "$work/built"
fi

version=$(sed -nE 's:.*<Version>(.*)</Version>.*:\1:p' "$root/Directory.Build.props")
mkdir -p "$prefix/lib/fastiova" "$prefix/lib/pkgconfig" "$prefix/include"
install -m 755 "$work/x86-64-v3.so" "$work/x86-64-v4.so" "$prefix/lib/fastiova/"
install -m 755 "$work/libfastiova.so.1" "$prefix/lib/libfastiova.so.1"
ln -sf libfastiova.so.1 "$prefix/lib/libfastiova.so"
install -m 644 "$root/native/fastiova.h" "$prefix/include/fastiova.h"
sed "s/@VERSION@/$version/" "$root/native/fastiova.pc.in" >"$prefix/lib/pkgconfig/fastiova.pc"
chmod 644 "$prefix/lib/pkgconfig/fastiova.pc"
echo "Installed FastIova $version below $prefix (compiled with $(cat "$work/framework"))."
