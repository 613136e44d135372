#!/bin/sh
# Says when it is done with what it has to do first.
echo "loading"
sleep 0.5
echo "loaded 42 items"
exec sleep 86400
