#!/bin/sh
# Asks the server once how it is.
if command -v curl >/dev/null 2>&1; then
    curl --silent --show-error --max-time 5 "$URL" 2>&1 || true
    echo
else
    echo "curl is not here, so there is no report"
fi
