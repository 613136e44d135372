#!/bin/sh
trap 'echo reads its files again' HUP
while :; do sleep 0.1; done
