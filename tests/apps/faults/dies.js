// Ends with CODE after AFTER ms; with FLAG only where that file is there.
require('./state')(__filename);
const { AFTER, CODE, FLAG } = process.env;
if (!FLAG || require('node:fs').existsSync(FLAG)) setTimeout(() => process.exit(Number(CODE)), Number(AFTER || 0));
else setInterval(() => {}, 1000);
