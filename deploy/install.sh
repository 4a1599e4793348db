#!/bin/sh
# What the image consists of besides the project itself: `deploy/install.sh FOLDER` makes
# FOLDER/venv with all requirements, PyTorch for CPUs among them.
set -eu
cd "$(dirname "$0")/.."
python3 -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed")'
python3 -m venv "$1/venv"
"$1/venv/bin/python" -m pip install --disable-pip-version-check --no-cache-dir -q -r requirements.txt
"$1/venv/bin/python" -c '
import sys, torch
sys.exit(torch.version.cuda and "This PyTorch is a CUDA build, several GB larger than the one for "
         "CPUs: let PIP_EXTRA_INDEX_URL be the address that pytorch.org/get-started names for "
         "Linux, pip and CPU.")'
