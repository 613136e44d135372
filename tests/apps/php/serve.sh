#!/bin/sh
# PHP's built-in server with the page beside this file; BEHAVE as in tests/apps/express/server.js.
case ${BEHAVE-} in
throw) echo "a bad release" >&2; exit 1 ;;
deaf) exec sleep 100000 ;;
slow) sleep 5 ;;
crash) (sleep 0.5; kill -9 $$) & ;;
esac
exec php -q -S "127.0.0.1:$PORT" "$(dirname "$0")/index.php"
