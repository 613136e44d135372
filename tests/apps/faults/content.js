// Says what content.txt had when it started. It is up as soon as it says 'ready' or listens, after UP ms.
const fs = require('node:fs');
const read = fs.readFileSync('content.txt', 'utf8');
require('./state')(__filename, { read });
const up = () => {
  require('node:http').createServer().listen(Number(process.env.PORT), '127.0.0.1');
  process.send?.('ready');
};
setTimeout(up, Number(process.env.UP || 0));
