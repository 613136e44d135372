#!/bin/sh
# Stands for a server that cannot start while something is broken.
test ! -e broken || { echo "it is broken" >&2; exit 1; }
exec sleep 1000000
