// A small Express server that stops cleanly.
const express = require('express');

const app = express();
let items = 0;

app.get('/', (request, response) => {
  response.json({ site: process.env.SITE, pid: process.pid, items });
});
app.get('/work', (request, response) => {
  items += 1;
  response.json({ item: items });
});

const port = Number(process.env.PORT || 3000);
const server = app.listen(port, '127.0.0.1', (error) => {
  if (error) {
    console.error(`cannot listen on port ${port}: ${error.message}`);
    process.exit(1);
  }
  console.log(`listening on port ${port}`);
});

process.on('SIGTERM', () => {
  console.log('finishing open requests');
  server.close(() => process.exit(0));
});
