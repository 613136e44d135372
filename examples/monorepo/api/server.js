// The API: what there is to sell.
const http = require('node:http');

http
  .createServer((request, response) => {
    if (request.url === '/healthz') return response.end('ok\n');
    response.end(JSON.stringify({ stage: process.env.STAGE, items: ['tea', 'coffee'] }) + '\n');
  })
  .listen(Number(process.env.PORT), '127.0.0.1');
