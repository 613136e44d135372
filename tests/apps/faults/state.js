// What the programs of the fault bench have in common: each writes down at its start who it is, into
// STATE/APP.PID.json. They know nothing of eco.
const fs = require('node:fs');
const path = require('node:path');

module.exports = (filename, more = {}) => {
  const state = { pid: process.pid, script: path.basename(filename), args: process.argv.slice(2),
                  cwd: process.cwd(), env: process.env, ...more };
  const file = path.join(process.env.STATE, `${process.env.APP}.${process.pid}.json`);
  fs.writeFileSync(`${file}.new`, JSON.stringify(state));
  fs.renameSync(`${file}.new`, file);
};
