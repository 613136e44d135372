// The Express of the load tests: `/` answers at once, `/later` after 20 ms, both with the pid that
// answered. It knows nothing of eco. BEHAVE makes it a bad release, GRACEFUL a server that closes
// on SIGTERM and SIGINT; without it a signal ends it at once, as Express does by itself.
const express = require('express');

const behave = process.env.BEHAVE;
if (behave === 'throw') throw new Error('a bad release');

const app = express();
app.use((request, response, next) => {
  response.set('X-Pid', String(process.pid));
  next();
});
const version = process.env.VERSION || 'none';
app.get('/', (request, response) => response.send(version));
app.get('/later', (request, response) => setTimeout(() => response.send(version), 20));

function listen() {
  const server = app.listen(Number(process.env.PORT), '127.0.0.1', (error) => {
    if (error) throw error;
    console.log('listening', process.pid);
    if (behave === 'crash') setTimeout(() => process.exit(7), 500);
  });
  if (process.env.GRACEFUL) {
    const close = () => server.close(() => process.exit(0));
    process.on('SIGTERM', close);
    process.on('SIGINT', close);
  }
}

if (behave === 'deaf') setInterval(() => {}, 1000);
else setTimeout(listen, behave === 'slow' ? 5000 : 0);
