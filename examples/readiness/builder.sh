#!/bin/sh
# Has made a file once it is done with what it has to do first, and takes it away in the end.
trap 'rm -f "$1"; exit 0' TERM
rm -f "$1"
sleep 0.5
echo done >"$1"
sleep 86400 &
wait
