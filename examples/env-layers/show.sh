#!/bin/sh
# Prints what it was given, then stays.
env | sort
exec sleep 86400
