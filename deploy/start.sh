#!/bin/sh
# Starts one replica: `deploy/start.sh [OPTION …]`, with options of `streamlit run`.
set -eu
cd "$(dirname "$0")/.."
# At the first start on an empty MAML_DATA_DIR some seconds; nothing later.
python -m maml_core data prepare
exec python -m streamlit run app.py --server.headless true "$@"
