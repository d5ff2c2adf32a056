#!/usr/bin/env bash
# Installs the fastiova command, and what systemd needs to keep an engine as a service.
set -euo pipefail

usage() {
    cat <<'TEXT'
Usage: packaging/install.sh [PREFIX]

Builds the fastiova command and installs it below PREFIX (/usr/local unless told otherwise):

  PREFIX/bin/fastiova                                    the command
  PREFIX/libexec/fastiova/                               what it consists of; it needs the .NET 10 runtime with ASP.NET Core
  PREFIX/lib/systemd/system/fastiova.service, .socket    the service, and where programs connect
  PREFIX/lib/sysusers.d/fastiova.conf                    the group of those who may use it

The C library is installed by native/build.sh PREFIX.

Environment:
  DESTDIR   put before PREFIX for packages: where to write what will later lie below PREFIX

Then, as root, with a PREFIX that systemd looks at (/usr or /usr/local):
  systemd-sysusers && systemctl daemon-reload && systemctl enable --now fastiova.socket
TEXT
}

case ${1-} in
    -h | --help)
        usage
        exit 0
        ;;
    -*)
        echo "packaging/install.sh: there is no option $1: see packaging/install.sh --help" >&2
        exit 2
        ;;
esac
if (($# > 1)); then
    echo "packaging/install.sh: give one prefix at most: see packaging/install.sh --help" >&2
    exit 2
fi
prefix=${1:-/usr/local}
if [[ $prefix != /* ]]; then
    echo "packaging/install.sh: the prefix '$prefix' is relative: units name the command by its whole path, so give one that begins with /." >&2
    exit 2
fi

root=$(dirname "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")")
target=${DESTDIR-}$prefix
export MSBUILDDISABLENODEREUSE=1 MSBUILDTERMINALLOGGER=off DOTNET_CLI_UI_LANGUAGE=en DOTNET_NOLOGO=1
staged=$(mktemp -d)
trap 'rm -rf "$staged"' EXIT

if ! dotnet publish "$root/src/Cli" -c Release -nologo -v quiet -o "$staged/fastiova" >"$staged/log" 2>&1; then
    cat "$staged/log" >&2
    echo "packaging/install.sh: the build failed; the messages are above." >&2
    exit 1
fi

# What debuggers and editors read stays at home.
find "$staged/fastiova" -name '*.pdb' -delete
find "$staged/fastiova" -name '*.xml' -delete
chmod -R u=rwX,go=rX "$staged/fastiova"

install -d "$target/bin" "$target/libexec" "$target/lib/systemd/system" "$target/lib/sysusers.d"
rm -rf "$target/libexec/fastiova"
cp -r "$staged/fastiova" "$target/libexec/fastiova"
ln -sfn ../libexec/fastiova/fastiova "$target/bin/fastiova"
sed "s|^ExecStart=/usr/bin/|ExecStart=$prefix/bin/|" "$root/packaging/fastiova.service" >"$target/lib/systemd/system/fastiova.service"
install -m 644 "$root/packaging/fastiova.socket" "$target/lib/systemd/system/fastiova.socket"
install -m 644 "$root/packaging/fastiova.sysusers" "$target/lib/sysusers.d/fastiova.conf"
