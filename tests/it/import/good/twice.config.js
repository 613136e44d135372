module.exports = {
  apps: [{ name: 'web', script: 'old.js', script: 'new.js', env: { A: 1, A: 2 } }],
}
