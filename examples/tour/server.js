// A server as anybody would write it; it need not know that others share its port.
if (!process.env.GREETING) {
  console.error('GREETING is not set');
  process.exit(1);
}

const http = require('node:http');

http
  .createServer((request, response) => response.end(`${process.env.GREETING} from ${process.pid}\n`))
  .listen(Number(process.env.PORT), '127.0.0.1', () => console.log('listening'));
