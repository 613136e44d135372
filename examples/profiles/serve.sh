#!/bin/sh
echo "$ECO_APP $ECO_INSTANCE in $MODE"
exec sleep 86400
