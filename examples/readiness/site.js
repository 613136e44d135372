// Listens at once, and is good for something a little later.
const http = require('http');

let warm = false;
setTimeout(() => { warm = true; }, 500);

const server = http.createServer((request, response) => {
  if (request.url === '/healthz') response.statusCode = warm ? 200 : 503;
  response.end(warm ? 'warm\n' : 'warming up\n');
});
server.listen(process.env.PORT, '127.0.0.1');
