#!/bin/sh
# Installs gr-voicelink into a virtual environment beside the sources and runs its main job on the
# bundled sample: sh link_sim/demo.sh [FOLDER FOR THE RESULTS, or else demo beside the sources]
set -eu
here=$(dirname "$0")
case ${1:-} in
    '') results=demo ;;
    /*) results=$1 ;;
    *) results=$PWD/$1 ;;
esac
. "$here/../tests/environment.sh"
environment .venv demo
.venv/bin/voicelink demo "$results"
