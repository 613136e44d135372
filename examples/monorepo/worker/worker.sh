#!/bin/sh
# Works until it is asked to stop, and ends what it has begun.
trap 'echo "worker $ECO_INSTANCE: asked to stop"; exit 0' TERM
item=0
while :; do
    item=$((item + 1))
    echo "worker $ECO_INSTANCE ($STAGE): item $item"
    sleep 1 &
    wait $!
done
