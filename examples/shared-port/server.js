// A server without a thought of sharing its port, or of stopping cleanly.
const http = require('http');

const server = http.createServer((request, response) => {
  const answer = { greeting: process.env.GREETING, instance: process.env.ECO_INSTANCE, pid: process.pid };
  setTimeout(() => response.end(`${JSON.stringify(answer)}\n`), 20);
});
server.listen(process.env.PORT, '127.0.0.1', () => console.log(`listening on port ${process.env.PORT}`));
