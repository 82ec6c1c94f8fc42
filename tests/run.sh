#!/bin/sh
# Installs what the tests need, Debian's gnuradio included, and runs them: sh tests/run.sh [PYTEST ARGS]
# They run in an environment of their own (.venv-tests) on the package as it is built and installed
# there. VOICELINK_TRAINING=1 adds PyTorch and the tests of the training.
set -eu
. "$(dirname "$0")/environment.sh"

# PESQ is built from source, and a driver of SoapySDR; what is to be packed is asked of git.
need "$has_venv" python3-venv \
    "/usr/bin/python3 -c 'from gnuradio import gr'" gnuradio \
    "/usr/bin/python3 -c 'import gi; gi.require_version(\"Gtk\", \"3.0\")'" "gir1.2-gtk-3.0 python3-gi-cairo" \
    "command -v c2enc && command -v opusenc && command -v speexenc" "codec2 opus-tools speex" \
    "sox --help | grep amr-nb" "sox libsox-fmt-all" \
    "/usr/bin/python3 -c 'import osmosdr'" gr-osmosdr \
    "command -v g++ && echo '#include <SoapySDR/Device.hpp>' | g++ -x c++ -E -" "g++ libsoapysdr-dev" \
    "command -v pulseaudio && command -v pactl && ls /usr/lib/*/alsa-lib/libasound_module_pcm_pulse.so \
        && /usr/bin/python3 -c 'import ctypes.util as c; assert c.find_library(\"portaudio\")'" \
        "pulseaudio pulseaudio-utils libasound2-plugins libportaudio2" \
    "command -v git" git \
    "command -v cc && echo '#include <Python.h>' | cc -E \$(/usr/bin/python3 -c \
        'import sysconfig; print(\"-I\" + sysconfig.get_path(\"include\"))') -" "gcc libc6-dev python3-dev"

# Ubuntu's apt has none.
command -v chromium >/dev/null || command -v chromium-browser >/dev/null || apt chromium ||
    say "without Chromium the tests of the report's page are left out"

training=
if [ "${VOICELINK_TRAINING:-}" = 1 ]; then
    virtual .venv-tests
    # This release, because another would be looked for in its build for CUDA, of several GB.
    .venv-tests/bin/python -m pip install --quiet --disable-pip-version-check torch==2.13.0
    training=,training,similarity
fi
environment .venv-tests "demo,eval,report,cluster,field,audio,serial,test$training"

# One thread: so many small operations only get in each other's way.
OMP_NUM_THREADS=1
export OMP_NUM_THREADS
.venv-tests/bin/ruff check .
.venv-tests/bin/ruff format --check .
exec .venv-tests/bin/python -m pytest "$@"
