#!/usr/bin/env bash
# What demo.sh, test.sh and .ci/run need of the machine: Java, ZooKeeper, sshd, a C linker, Rust, and for tests Chromium.
# Only what is missing is installed, and only from the system's package manager. A second run installs nothing. No daemon is
# started: the tests run an sshd of their own, and where its package brings a service this leaves it off.
#
#   scripts/setup.sh             install what is missing
#   scripts/setup.sh --browser   the same, and Chromium (test.sh, .ci/run)
#   scripts/setup.sh --lint      the same, and rustfmt and clippy (.ci/run)
#   scripts/setup.sh --dry-run   say what would be installed; change nothing
#
# The scripts source it and call `setup`: the Rust toolchain that it chose is then first on PATH. Run from the project's root.
#
# ZOOKEEPER_JARS=DIR: ZooKeeper's jars are in DIR; the package is then not installed. JAVA_HOME=DIR: so is Java. As in
# tests/harness/installation.rs, a variable that is set decides, and if it names nothing usable that is an error.

setup_say() { printf 'setup: %s\n' "$*" >&2; }

# --- what is there ---------------------------------------------------------------------------------------------------

setup_at_least() { # version floor
  [ -n "$1" ] && [ "$(printf '%s\n%s\n' "$1" "$2" | LC_ALL=C sort -V | head -n 1)" = "$2" ]
}

setup_rust_floor() { sed -n 's/^rust-version *= *"\([0-9.]*\)".*/\1/p' Cargo.toml | head -n 1; }

# Prints `1.85.0` of `rustc 1.85.0 (...)`, or nothing: a rustup proxy without a toolchain is a file that does not run.
setup_version_of() { "$1" --version 2>/dev/null | sed -n '1s/^[a-z]* \([0-9][0-9.]*\).*/\1/p'; }

setup_rust_in() { # directory: are a rustc and a cargo in it, both new enough?
  [ -x "$1/rustc" ] && [ -x "$1/cargo" ] &&
    setup_at_least "$(setup_version_of "$1/rustc")" "$setup_floor" &&
    setup_at_least "$(setup_version_of "$1/cargo")" "$setup_floor"
}

# Puts a toolchain that is new enough first on PATH. Ubuntu's rustc-1.NN live in /usr/lib/rust-1.NN/bin, not on PATH.
setup_find_rust() {
  local dir
  if setup_at_least "$(setup_version_of rustc)" "$setup_floor" && setup_at_least "$(setup_version_of cargo)" "$setup_floor"; then
    return 0
  fi
  while IFS= read -r dir; do
    if [ -n "$dir" ] && setup_rust_in "$dir"; then
      export PATH="$dir:$PATH"
      hash -r
      return 0
    fi
  done < <(
    printf '%s\n' "${HOME:-/root}/.cargo/bin"
    printf '%s\n' "$PATH" | tr ':' '\n'
    printf '%s\n' /usr/lib/rust-*/bin | LC_ALL=C sort -rV
  )
  return 1
}

setup_has_java() {
  if [ -n "${JAVA_HOME+set}" ]; then
    "$JAVA_HOME/bin/java" -version >/dev/null 2>&1
  else
    java -version >/dev/null 2>&1
  fi
}

setup_has_zookeeper() {
  if [ -n "${ZOOKEEPER_JARS+set}" ]; then
    compgen -G "$ZOOKEEPER_JARS/zookeeper*.jar" >/dev/null
  else
    [ -e /usr/share/java/zookeeper.jar ]
  fi
}

setup_has_sshd() { [ -x /usr/sbin/sshd ]; }

setup_has_ssh() { command -v ssh >/dev/null 2>&1 && command -v ssh-keygen >/dev/null 2>&1; }

# As tests/harness/browser.rs looks for it.
setup_has_browser() {
  local name file
  for name in chromium chromium-browser google-chrome; do
    file=$(command -v "$name") || continue
    # A snap, or Ubuntu's script that calls one, does not see the directories that tests work in.
    case $(readlink -f "$file") in */snap*) continue ;; esac
    ! head -c 4096 "$file" | grep -aq '/snap/bin' || continue
    "$name" --version >/dev/null 2>&1 && return 0
  done
  return 1
}

setup_no_browser() {
  setup_say 'no package of this system has Chromium (a snap will not do): the tests that look at pages fail until one is there:'
  setup_explain chromium | sed 's/^/setup:   /' >&2
  setup_say '  without them: ./test.sh -- --skip report:: --skip migrate::page'
}

# A compiler without libc's headers and start files can't link, so it is tried.
setup_has_linker() {
  local dir works=1
  dir=$(mktemp -d) || return 1
  if printf '#include <stdlib.h>\nint main(void) { return EXIT_SUCCESS; }\n' >"$dir/a.c" && cc -o "$dir/a" "$dir/a.c" >/dev/null 2>&1; then
    works=0
  fi
  rm -rf "$dir"
  return "$works"
}

setup_has_certificates() {
  local file
  for file in "${SSL_CERT_FILE:-}" /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt /etc/ssl/ca-bundle.pem /etc/ssl/cert.pem; do
    [ -n "$file" ] && [ -s "$file" ] && return 0
  done
  return 1
}

setup_has_lint() { cargo fmt --version >/dev/null 2>&1 && cargo clippy --version >/dev/null 2>&1; }

# --- what the package manager offers ---------------------------------------------------------------------------------

setup_candidate() { LC_ALL=C apt-cache policy "$1" 2>/dev/null | sed -n '/(none)/d; s/^ *Candidate: *//p'; }

# Prints `rustc-web cargo-web`: the pair of packages with the newest rustc that is new enough. Debian's names are rustc and
# rustc-web, Ubuntu's rustc and rustc-1.NN.
setup_rust_packages() {
  local rustc cargo version best='' best_version=''
  for rustc in $(apt-cache pkgnames rustc 2>/dev/null | grep -xE 'rustc(-web|-[0-9]+\.[0-9]+)?' | LC_ALL=C sort -V); do
    cargo=cargo${rustc#rustc}
    version=$(setup_candidate "$rustc" | sed 's/^[0-9]*://; s/[^0-9.].*//')
    if setup_at_least "$version" "$setup_floor" && [ -n "$(setup_candidate "$cargo")" ]; then
      if [ -z "$best" ] || ! setup_at_least "$best_version" "$version"; then
        best="$rustc $cargo" best_version=$version
      fi
    fi
  done
  printf '%s' "$best"
}

# Prints the packages of rustfmt and clippy that belong to the rustc package given.
setup_lint_packages() { # rustc package
  case $1 in
    rustc) echo rustfmt rust-clippy ;;
    rustc-*) echo "rustfmt-${1#rustc-} rust-${1#rustc-}-clippy" ;;
  esac
}

setup_rustc_package() { # the package that the rustc on PATH came from, if any
  local path
  path=$(command -v rustc) || return 0
  dpkg-query -S "$path" 2>/dev/null | sed -n '1s/[:,].*//p'
}

# --- installing ------------------------------------------------------------------------------------------------------

setup_by_hand() { # reason, packages...
  setup_say "$1. Install by hand, then run this again:"
  shift
  local what
  for what in "$@"; do setup_say "  $what"; done
  return 1
}

# What a person has to look for on a system whose packages we do not know.
setup_explain() { # packages...
  local package rust_packages=''
  ! command -v apt-cache >/dev/null 2>&1 || rust_packages=$(setup_rust_packages)
  for package in "$@"; do
    case $package in
      default-jre-headless) echo "$package (a Java runtime, 11 or newer, on PATH)" ;;
      zookeeper) echo "$package (or ZooKeeper's release from https://zookeeper.apache.org/releases.html, with ZOOKEEPER_JARS=its lib directory)" ;;
      openssh-server) echo "$package (OpenSSH's sshd, as /usr/sbin/sshd; it need not run)" ;;
      openssh-client) echo "$package (ssh and ssh-keygen, on PATH)" ;;
      chromium) echo "$package (Chromium or Chrome, on PATH as chromium, chromium-browser or google-chrome)" ;;
      gcc) echo "$package (a C compiler and linker, as cc)" ;;
      libc6-dev) echo "$package (the C library's headers)" ;;
      ca-certificates) echo "$package (the certificates that cargo trusts)" ;;
      rust) echo "${rust_packages:+$rust_packages, or any }Rust $setup_floor or newer, rustc and cargo (https://rustup.rs)" ;;
      lint) echo "rustfmt and clippy (with rustup: rustup component add rustfmt clippy)" ;;
      *) echo "$package" ;;
    esac
  done
}

setup_may_install() { # packages, as by-hand lines, when we may not
  local lines
  mapfile -t lines < <(setup_explain "$@")
  if ! command -v apt-get >/dev/null 2>&1; then
    setup_by_hand 'this system has no apt-get' "${lines[@]}"
    return 1
  fi
  setup_sudo=()
  if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null 2>&1; then
      setup_by_hand 'not root, and there is no sudo' "${lines[@]}"
      return 1
    fi
    setup_sudo=(sudo)
  fi
}

# Runs apt-get quietly and shows what it said only when it failed. It never removes a package to make room for another.
setup_apt() {
  local log status=0
  log=$(mktemp) || return 1
  "${setup_sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=120 "$@" >"$log" 2>&1 || status=$?
  [ "$status" -eq 0 ] || tail -n 15 "$log" >&2
  rm -f "$log"
  return "$status"
}

setup_apt_update() {
  if [ -z "${setup_updated:-}" ]; then
    setup_say 'apt-get update'
    # One broken third-party repository need not matter: whether the packages are there is seen when they are installed.
    setup_apt update || setup_say 'apt-get update failed; going on with the lists that are there'
    setup_updated=1
  fi
}

setup_install() ( # packages...; a subshell, so that its trap is its own and is run whatever ends it
  setup_say "installing $*"
  trap 'setup_release_services "$@"' EXIT
  setup_hold_services
  setup_apt install --no-install-recommends --no-remove "$@" || setup_by_hand 'apt-get could not install them' "apt-get install --no-install-recommends $*"
)

# Debian starts a service when its package is installed, unless this file forbids it (policy-rc.d). One that is there
# already stays as it is: containers have one that forbids everything.
setup_policy=/usr/sbin/policy-rc.d

setup_hold_services() {
  setup_policy_is_ours=''
  [ ! -e "$setup_policy" ] || return 0
  setup_policy_is_ours=1
  printf '#!/bin/sh\nexit 101\n' | "${setup_sudo[@]}" sh -c "cat >$setup_policy && chmod 755 $setup_policy"
}

setup_release_services() { # packages...
  [ -z "${setup_policy_is_ours:-}" ] || "${setup_sudo[@]}" rm -f "$setup_policy"
  # Not at the next boot either. Without systemd's socket and service there is nothing to turn off.
  if [[ " $* " == *' openssh-server '* ]] && command -v systemctl >/dev/null 2>&1; then
    "${setup_sudo[@]}" systemctl disable ssh.service ssh.socket >/dev/null 2>&1 || true
  fi
}

setup_usage() {
  sed -n '6,9s/^# *//p' "${BASH_SOURCE[0]}"
}

setup() {
  local dry='' lint='' browser='' packages=() kept=() package wanted=() missing='' rust=() lint_packages=() lines=()
  while [ $# -gt 0 ]; do
    case $1 in
      --dry-run) dry=1 ;;
      --lint) lint=1 ;;
      --browser) browser=1 ;;
      -h | --help) setup_usage && return 0 ;;
      *) setup_say "unknown argument: $1" && setup_usage >&2 && return 2 ;;
    esac
    shift
  done
  setup_floor=$(setup_rust_floor)
  if [ -z "$setup_floor" ]; then
    setup_say 'no rust-version in ./Cargo.toml: run from the root of the project'
    return 2
  fi

  if ! setup_has_java; then
    if [ -n "${JAVA_HOME+set}" ]; then
      setup_say "JAVA_HOME=$JAVA_HOME holds no bin/java that runs: correct it, or unset it to use the system's package"
      return 2
    fi
    packages+=(default-jre-headless)
  fi
  if ! setup_has_zookeeper; then
    if [ -n "${ZOOKEEPER_JARS+set}" ]; then
      setup_say "ZOOKEEPER_JARS=$ZOOKEEPER_JARS holds no zookeeper*.jar: correct it, or unset it to use the system's package"
      return 2
    fi
    packages+=(zookeeper)
  fi
  setup_has_sshd || packages+=(openssh-server)
  setup_has_ssh || packages+=(openssh-client)
  if [ -n "$browser" ] && ! setup_has_browser; then
    # Where the lists of packages are there, and have none (Ubuntu), there is nothing to be installed for it.
    if [ -n "$(setup_candidate gcc)" ] && [ -z "$(setup_candidate chromium)" ]; then
      setup_no_browser
    else
      packages+=(chromium)
    fi
  fi
  setup_has_linker || packages+=(gcc libc6-dev)
  setup_has_certificates || packages+=(ca-certificates)
  setup_find_rust || missing=1
  wanted=("${packages[@]}")
  [ -z "$missing" ] || wanted+=(rust)
  # Without a Rust that will do, its rustfmt and clippy are missing too.
  if [ -n "$lint" ] && { [ -n "$missing" ] || ! setup_has_lint; }; then wanted+=(lint); fi

  if [ ${#wanted[@]} -eq 0 ]; then
    setup_say "nothing to install (Rust $(setup_version_of rustc))"
    return 0
  fi
  # Packages never hold rustfmt and clippy of a toolchain that did not come from a package.
  if [ "${wanted[*]}" = lint ] && [ -z "$(setup_rustc_package)" ]; then
    mapfile -t lines < <(setup_explain lint)
    setup_by_hand "the Rust in use has no rustfmt or no clippy" "${lines[@]}"
    return 1
  fi
  setup_may_install "${wanted[@]}" || return 1
  [ -n "$dry" ] || setup_apt_update

  if [ -n "$missing" ]; then
    read -r -a rust < <(setup_rust_packages; echo)
    if [ ${#rust[@]} -gt 0 ]; then
      packages+=("${rust[@]}")
    elif [ -n "$dry" ]; then
      setup_say "would need Rust $setup_floor or newer; no package is known (apt-get update first?)"
    fi
  fi
  if [ -n "$lint" ]; then
    if [ -n "$missing" ]; then
      [ ${#rust[@]} -eq 0 ] || read -r -a lint_packages < <(setup_lint_packages "${rust[0]}"; echo)
    elif ! setup_has_lint; then
      read -r -a lint_packages < <(setup_lint_packages "$(setup_rustc_package)"; echo)
    fi
  fi

  if [ -n "$dry" ]; then
    setup_say "would install: ${packages[*]} ${lint_packages[*]}"
    return 0
  fi
  # Ubuntu has it as a snap alone. The other tests need none; those that do say so.
  if [[ " ${packages[*]} " == *' chromium '* ]] && [ -z "$(setup_candidate chromium)" ]; then
    setup_no_browser
    for package in "${packages[@]}"; do [ "$package" = chromium ] || kept+=("$package"); done
    packages=("${kept[@]}")
  fi
  if [ ${#packages[@]} -gt 0 ]; then setup_install "${packages[@]}" || return 1; fi
  hash -r
  if ! setup_find_rust; then
    mapfile -t lines < <(setup_explain rust)
    setup_by_hand "no package of this system has Rust $setup_floor or newer" "${lines[@]}"
    return 1
  fi
  if ! setup_has_java || ! setup_has_zookeeper || ! setup_has_sshd || ! setup_has_ssh || ! setup_has_linker; then
    mapfile -t lines < <(setup_explain default-jre-headless zookeeper openssh-server openssh-client gcc libc6-dev)
    setup_by_hand 'installed, but one of these still does not work' "${lines[@]}"
    return 1
  fi
  if [[ " ${packages[*]} " == *' chromium '* ]] && ! setup_has_browser; then
    mapfile -t lines < <(setup_explain chromium)
    setup_by_hand 'installed, but Chromium still does not run' "${lines[@]}"
    return 1
  fi
  if [ ${#lint_packages[@]} -gt 0 ]; then setup_install "${lint_packages[@]}" || return 1; fi
  if [ -n "$lint" ] && ! setup_has_lint; then
    mapfile -t lines < <(setup_explain lint)
    setup_by_hand 'no rustfmt or no clippy for this Rust' "${lines[@]}"
    return 1
  fi
  setup_say "ready (Rust $(setup_version_of rustc))"
}

if [ "${BASH_SOURCE[0]}" = "$0" ]; then
  set -euo pipefail
  cd "$(dirname "$0")/.."
  setup "$@"
fi
