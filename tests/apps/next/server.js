// `next start` with the bad releases of tests/apps/express/server.js.
const behave = process.env.BEHAVE;
if (behave === 'throw') throw new Error('a bad release');

// As with the others: half a second after it listens.
function crashOnceListening() {
  const { Server } = require('node:net');
  const listen = Server.prototype.listen;
  Server.prototype.listen = function (...args) {
    this.once('listening', () => setTimeout(() => process.exit(7), 500));
    return listen.apply(this, args);
  };
}

function start() {
  if (behave === 'crash') crashOnceListening();
  process.argv = [process.argv[0], 'next', 'start', '-H', '127.0.0.1', '-p', process.env.PORT];
  require('next/dist/bin/next');
}

if (behave === 'deaf') setInterval(() => {}, 1000);
else setTimeout(start, behave === 'slow' ? 5000 : 0);
