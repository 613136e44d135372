#!/bin/sh
# Says a greeting again and again.
count=0
while :; do
    count=$((count + 1))
    echo "$GREETING $count"
    sleep "$PAUSE"
done
