const path = require('path');
const root = path.resolve(__dirname);
module.exports = {
  apps: [{
    name: path.basename(__filename, '.config.js'), script: path.join(root, 'src', 'main.js'), cwd: root,
    out_file: path.join(root, 'logs', 'out.log'),
  }],
};
