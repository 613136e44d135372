// `next start` with the bad releases of tests/apps/express/server.js.
const behave = process.env.BEHAVE;
if (behave === 'throw') throw new Error('a bad release');

function start() {
  process.argv = [process.argv[0], 'next', 'start', '-H', '127.0.0.1', '-p', process.env.PORT];
  require('next/dist/bin/next');
  if (behave === 'crash') setTimeout(() => process.exit(7), 1500);
}

if (behave === 'deaf') setInterval(() => {}, 1000);
else setTimeout(start, behave === 'slow' ? 5000 : 0);
