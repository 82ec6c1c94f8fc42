#!/bin/sh
# Installs gr-voicelink into a virtual environment beside the sources and runs its main job on the
# bundled sample: sh link_sim/demo.sh [FOLDER FOR THE RESULTS]
set -eu
here=$(dirname "$0")
. "$here/../tests/environment.sh"
results=${1:-demo}
environment .venv demo
.venv/bin/voicelink demo "$results"
