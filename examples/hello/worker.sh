#!/bin/sh
# Works until it is asked to stop, and then finishes what it has begun.
trap 'echo "worker $ECO_INSTANCE: asked to stop, saving"; exit 0' TERM
echo "worker $ECO_INSTANCE: ready"
item=0
while :; do
    item=$((item + 1))
    echo "worker $ECO_INSTANCE: item $item"
    sleep 1
done
