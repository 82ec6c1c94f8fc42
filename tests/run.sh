#!/bin/sh
# Installs what the tests need, Debian's gnuradio included, and runs them: sh tests/run.sh [PYTEST ARGS]
# In an environment of its own (.venv-tests), on the wheel that is built here.
set -eu
. "$(dirname "$0")/environment.sh"

need "/usr/bin/python3 -c 'from gnuradio import gr'" gnuradio
need "command -v c2enc" codec2
need "command -v cc && test -e \"\$(/usr/bin/python3 -c 'import sysconfig; print(sysconfig.get_path(\"include\"))')/Python.h\"" \
    gcc libc6-dev python3-dev
environment .venv-tests demo,eval,test

# Two of the measuring libraries ask for more than they use: they are installed without it.
.venv-tests/bin/python -m pip install --quiet --disable-pip-version-check --no-deps \
    --requirement tests/no-deps.txt

OMP_NUM_THREADS=1
export OMP_NUM_THREADS
.venv-tests/bin/ruff check .
.venv-tests/bin/ruff format --check .
exec .venv-tests/bin/pytest tests "$@"
