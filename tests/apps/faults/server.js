// A server that answers after 20 ms, and says 'ready' once it listens. BEHAVE makes it a bad release,
// CLOSE one that closes on SIGINT; without it a signal ends it at once, as Node does by itself.
const http = require('node:http');
require('./state')(__filename);

const { BEHAVE, CLOSE, PORT } = process.env;
if (BEHAVE === 'throw') throw new Error('a bad release');

const server = http.createServer((request, response) => {
  response.setHeader('X-Pid', process.pid);
  setTimeout(() => response.end('ok'), 20);
});
const listen = () => server.listen(Number(PORT), '127.0.0.1', () => {
  if (BEHAVE !== 'mute') process.send?.('ready');
});
if (BEHAVE === 'deaf') setInterval(() => {}, 1000);
else setTimeout(listen, BEHAVE === 'slow' ? 5000 : 0);

const end = () => {
  server.close(() => process.exit(0));
  if (CLOSE === 'idle') server.closeIdleConnections();
};
if (CLOSE) process.on('SIGINT', end);
process.on('message', (message) => {
  if (message !== 'shutdown') return;
  require('node:fs').writeFileSync(`${process.env.STATE}/told.${process.pid}`, '');
  process.exit(0);
});
