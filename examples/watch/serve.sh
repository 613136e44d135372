#!/bin/sh
# Stands for a program that reads its sources when it starts.
echo "serving: $(cat "$1")"
exec sleep 86400
