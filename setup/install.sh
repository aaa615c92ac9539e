#!/usr/bin/env bash
# Make .venv with exactly the versions of requirements.lock, and get R with its packages where that can be done.
#   PYTHON=/path/to/python3.12   the interpreter to use      SKIP_R=1   leave R alone
# A second call finds the stamps in .venv and does nothing. An installation that was interrupted starts again.
set -euo pipefail
cd "$(dirname "$0")/.."
unset PYTHONPATH PYTHONHOME

venv=$(pwd -P)/.venv
unfinished=$venv/.unfinished # there while .venv is being changed
r_packages=(sva limma Seurat)
debian_packages=(r-base-core r-bioc-sva r-bioc-limma r-cran-seurat)

say() { printf '%s\n' "$*"; }
die() {
    say "$*" >&2
    exit 1
}
digest() { sha256sum <"$1"; }
is_stamped() { [ "$(cat "$venv/.stamp-$1" 2>/dev/null)" = "$(digest "$1")" ]; }
stamp() { digest "$1" >"$venv/.stamp-$1"; }

# ---- Debian packages

can_apt() { command -v apt-get >/dev/null && { [ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null; }; }
as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi; }
apt() { as_root env DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 apt-get -y -qq -o DPkg::Lock::Timeout=300 "$@"; }

# Install Debian packages, and go on with the others where one of them does not exist. Say something on failure only.
apt_install() {
    local log status=0 package
    log=$(mktemp)
    {
        as_root dpkg --configure -a # an earlier call may have been killed
        apt update || true
        if ! apt install --no-install-recommends "$@"; then
            for package in "$@"; do apt install --no-install-recommends "$package" || status=1; done
        fi
    } >"$log" 2>&1 </dev/null
    [ "$status" = 0 ] || grep '^E:' "$log" >&2 || tail -n 3 "$log" >&2
    rm -f "$log"
    return "$status"
}

# ---- Python

python_version() { "$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null; }
is_supported() { case $(python_version "$1") in 3.11 | 3.12 | 3.13) ;; *) return 1 ;; esac }

find_python() {
    local candidate version found=
    for candidate in ${PYTHON:-python3.11 python3.12 python3.13 python3 python}; do
        version=$(python_version "$candidate") || continue
        if is_supported "$candidate"; then
            say "$candidate"
            return
        fi
        case "$found," in *" $version,"*) ;; *) found="$found, $version" ;; esac
    done
    found=${found#, }
    die "Python 3.11 to 3.13 is needed, found ${found:-none}; install one (Debian 12: apt-get install python3.11-venv) or name it: make install PYTHON=/path/to/python3.12"
}

make_venv() {
    local python package
    python=$(find_python)
    if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        package=python$(python_version "$python")-venv
        { can_apt && apt_install "$package"; } ||
            die "$python cannot make virtual environments: sudo apt-get install $package"
    fi
    rm -rf "$venv"
    mkdir "$venv"
    touch "$unfinished"
    "$python" -m venv "$venv"
}

# Stop where packages do not fit together, but for those that the lock marks: their metadata forbid what their code runs with.
check_fit() {
    local said marked others
    said=$("$venv/bin/python" -m pip check) && return
    marked=$(sed -n 's/^\([^=]*\)==.*# --no-deps$/\1/p' requirements.lock | paste -sd '|')
    others=$(grep -vE "^(${marked:-none}) [^ ]+ has requirement " <<<"${said:-pip check failed}") || return 0
    die "$others"$'\n'"requirements.lock does not fit together; see 'make lock'"
}

# pip without its notes and warnings; errors show.
pip_install() { "$venv/bin/python" -m pip install -qq --no-input --disable-pip-version-check "$@"; }

install_python() {
    # Also where .venv was moved, or the interpreter that it was made with is gone.
    if [ -e "$unfinished" ] || ! is_supported "$venv/bin/python" || ! grep -qF "$venv/bin" "$venv/bin/pip"; then
        make_venv
    fi
    if ! is_stamped requirements.lock; then
        touch "$unfinished"
        say "Installing the Python packages of requirements.lock (some minutes)"
        # torch first and with its dependencies: on PyPI it brings CUDA libraries that a CPU build does not have.
        pip_install "$(grep '^torch==' requirements.lock)" --constraint requirements.lock
        pip_install --no-deps --requirement requirements.lock
        check_fit
        stamp requirements.lock
        rm -f "$unfinished"
    fi
}

# ---- R

# Print what is missing of R and its packages.
r_missing() {
    if ! command -v Rscript >/dev/null; then
        say "R ${r_packages[*]}"
    else
        Rscript --no-init-file -e 'p <- commandArgs(TRUE); cat(p[!p %in% rownames(installed.packages())])' "${r_packages[@]}"
    fi
}

install_r() {
    local missing
    is_stamped requirements-r.lock && return
    missing=$(r_missing)
    if [ -n "$missing" ] && can_apt; then
        say "Installing R packages from Debian's (a minute): ${debian_packages[*]}"
        apt_install "${debian_packages[@]}" || true
        missing=$(r_missing)
    fi
    if command -v Rscript >/dev/null; then
        # ABI mode needs neither a compiler nor the headers of Python and R.
        RPY2_CFFI_MODE=ABI pip_install --no-deps --requirement requirements-r.lock || missing="${missing:+$missing }rpy2"
    fi
    if [ -z "$missing" ]; then
        stamp requirements-r.lock
    else
        say "Missing: ${missing// /, }. Get it: sudo apt-get install --no-install-recommends ${debian_packages[*]}, then 'make install'. Until then table cells that need it read 'not run: R missing'."
    fi
}

install_python
[ -n "${SKIP_R:-}" ] || install_r
