// Says who it is, and then every 100 ms.
require('./state')(__filename);
setInterval(() => console.log('here', process.pid), 100);
