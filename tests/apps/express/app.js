// The Express server of the tests: says what it was given, and answers slowly when asked to.
const express = require('express');

const app = express();
app.get('/', (request, response) => {
  response.json({ pid: process.pid, message: process.env.MESSAGE || null });
});
app.get('/slow', (request, response) => {
  setTimeout(() => response.send('late but whole'), 500);
});

const server = app.listen(Number(process.env.PORT), '127.0.0.1', (error) => {
  if (error) {
    console.error(error.message);
    process.exit(1);
  }
  console.log('listening');
});
process.on('SIGTERM', () => server.close(() => process.exit(0)));
