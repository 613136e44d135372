// Two of these serve one port: PM2's cluster mode, without PM2 or Node's cluster module.
const http = require('http');

const server = http.createServer((request, response) => {
  response.end(`process ${process.pid}, ${process.env.NODE_ENV}\n`);
});
server.listen(process.env.PORT, '127.0.0.1', () => process.send('ready'));
process.on('message', (message) => {
  if (message === 'shutdown') server.close(() => process.exit(0));
});
