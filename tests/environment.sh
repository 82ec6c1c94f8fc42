# Sourced by link_sim/demo.sh and tests/run.sh: makes a virtual environment and installs into it.
# POSIX shell; needs python3, and fetches what else is missing through apt where it may.

cd "$(dirname "$0")/.."

say() { printf 'voicelink: %s\n' "$*" >&2; }

# apt PACKAGE...: installs Debian packages; false where that cannot be done.
apt() {
    command -v apt-get >/dev/null 2>&1 || return 1
    if [ "$(id -u)" = 0 ]; then root=; elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null
    then root=sudo; else return 1; fi
    say "installing $* with apt (some minutes where GNU Radio is among them)"
    # Another program may hold apt's lock for a while.
    $root apt-get -o DPkg::Lock::Timeout=600 update -qq >/dev/null &&
    $root env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=600 \
        install -y -qq --no-install-recommends "$@" >/dev/null
}

# lacking COMMAND PACKAGES ...: the packages whose commands fail.
lacking() {
    while [ $# -gt 0 ]; do
        eval "$1" >/dev/null 2>&1 || printf '%s ' "$2"
        shift 2
    done
}

# need COMMAND PACKAGES ...: makes sure of commands, or ends with all that is to be installed.
need() {
    missing=$(lacking "$@")
    [ -n "$missing" ] || return 0
    # Several words.
    if apt $missing; then missing=$(lacking "$@"); fi
    [ -n "$missing" ] || return 0
    say "this needs: ${missing% }; install it with: sudo apt-get install ${missing% }"
    exit 1
}

if [ -x /usr/bin/python3 ]; then python=/usr/bin/python3; else python=python3; fi
has_venv="$python -c 'import ensurepip, venv'"

# virtual FOLDER: makes a virtual environment, or mends one that was left without pip.
# It sees the system's packages, because GNU Radio is one of them.
virtual() {
    need "$has_venv" python3-venv
    "$1/bin/python" -c 'import pip' 2>/dev/null || "$python" -m venv --system-site-packages "$1"
}

# environment FOLDER EXTRAS: a virtual environment with gr-voicelink and its extras in it.
environment() {
    virtual "$1"
    # What an earlier build left would get into this one.
    rm -rf build
    say "installing gr-voicelink[$2] into $1"
    # Apart, because what is built here (PESQ) needs an older setuptools than PyTorch brings.
    "$1/bin/python" -m pip install --quiet --disable-pip-version-check --use-pep517 \
        --constraint tests/constraints.txt ".[$2]"
}
