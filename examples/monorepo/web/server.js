// The site: asks the API for what it shows.
const http = require('node:http');

async function page() {
  const answer = await fetch(process.env.API_URL);
  const { stage, items } = await answer.json();
  return `${process.env.SHOP_NAME} (${stage}): ${items.join(', ')}\n`;
}

http
  .createServer((request, response) => {
    if (request.url === '/healthz') return response.end('ok\n');
    page().then(
      (text) => response.end(text),
      (error) => {
        response.statusCode = 502;
        response.end(`${error}\n`);
      },
    );
  })
  .listen(Number(process.env.PORT), '127.0.0.1');
