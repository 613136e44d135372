#!/bin/sh
# Applies every migration that has not been applied yet.
set -eu
for file in migrations/*.sql; do
    name=$(basename "$file")
    if grep -qxF "$name" applied.txt 2>/dev/null; then continue; fi
    echo "$name" >>applied.txt
    echo "applied $name"
done
