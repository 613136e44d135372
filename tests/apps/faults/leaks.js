// Takes 4 MB every 100 ms, up to 700 MB, and serves nothing.
require('./state')(__filename);
const kept = [];
setInterval(() => kept.length < 175 && kept.push(Buffer.alloc(4 << 20, 1)), 100);
