module.exports = () => ({
  apps: [{ name: 'made', script: ['main', 'js'].join('.'), kill_timeout: 5 * 1000 }],
});
