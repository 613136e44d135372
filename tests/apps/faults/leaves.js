// Leaves a child behind which has a session of its own and whose parent has ended: a double fork.
require('./state')(__filename);
const { spawn } = require('node:child_process');
const middle = `require('node:child_process').spawn('sleep', ['1000'], { detached: true, stdio: 'ignore' }).unref()`;
spawn('node', ['-e', middle], { stdio: 'ignore' });
setInterval(() => {}, 1000);
