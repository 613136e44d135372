#!/bin/bash
# Prints a line every 100 ms.
echo "{\"pid\": $$}" >"$STATE/$APP.$$.json"
while :; do echo here; sleep 0.1; done
