#!/bin/bash
# Three generations of shells, none of which ends by SIGINT or SIGTERM.
trap '' INT TERM
case ${1-first} in
first) echo "{\"pid\": $$, \"env\": {}}" >"$STATE/$APP.$$.json"; bash "$0" second & ;;
second) bash "$0" third & ;;
esac
while :; do sleep 0.2; done
