# Shell functions shared by the tools; sourced with the checkout as the working directory.
# Virtual environments live in $BRIDGE_VENV_DIR (default: .venv in the checkout), one for each lock
# file, and are made anew when the lock, pyproject.toml or Python changed.

say() { printf '%s\n' "$*" >&2; }

# A HOME that can be written to: pip and go keep their caches there.
ensure_home() {
    if [ -z "${HOME:-}" ] || [ ! -d "$HOME" ] || [ ! -w "$HOME" ]; then
        HOME=$PWD/.tools/home
        export HOME
        mkdir -p "$HOME"
    fi
}

venv_base() {
    case ${BRIDGE_VENV_DIR:=$PWD/.venv} in
        /*) printf '%s\n' "$BRIDGE_VENV_DIR" ;;
        *) printf '%s\n' "$PWD/$BRIDGE_VENV_DIR" ;;
    esac
}

# Prints a Python >= 3.11 that can make virtual environments ($BRIDGE_PYTHON, if set, is the only one
# tried), or says in one line what to install.
find_python() {
    too_old= without_venv=
    for candidate in ${BRIDGE_PYTHON:-python3 python3.13 python3.12 python3.11}; do
        version=$("$candidate" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) || continue
        if ! "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
            too_old="$too_old, $candidate is $version"
        elif ! "$candidate" -c 'import ensurepip, venv' 2>/dev/null; then
            : "${without_venv:=$candidate}"
        else
            command -v "$candidate"
            return
        fi
    done
    if [ -n "$without_venv" ]; then
        say "$without_venv cannot make virtual environments: install its venv module" \
            "(Debian and Ubuntu: apt install ${without_venv##*/}-venv)"
    else
        say "Python 3.11 or newer is needed and was not found$too_old: install it, or name it in BRIDGE_PYTHON"
    fi
    return 1
}

pip_install() {
    "$venv/bin/python" -m pip --quiet --quiet install --no-build-isolation --use-pep517 "$@"
}

# ensure_venv NAME: makes $(venv_base)/NAME hold exactly requirements/NAME.txt and this checkout,
# and sets `venv` to it. Does nothing when it already does.
ensure_venv() {
    ensure_home
    unset PYTHONPATH PYTHONHOME
    export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1 PIP_USER=0
    venv=$(venv_base)/$1
    stamp="$venv $(cat pyproject.toml requirements/build.txt "requirements/$1.txt" tools/_venv.sh | cksum)"
    if [ "$(cat "$venv/stamp" 2>/dev/null)" = "$stamp" ] && "$venv/bin/python" -c '' 2>/dev/null; then
        return
    fi
    python=$(find_python) || exit 2
    say "setting up $venv with $python (once; under a minute with a fast network)"
    "$python" -m venv --clear "$venv"
    pip_install --require-hashes -r requirements/build.txt
    pip_install --require-hashes -r "requirements/$1.txt"
    pip_install --no-deps --editable .
    printf '%s\n' "$stamp" >"$venv/stamp"
}
