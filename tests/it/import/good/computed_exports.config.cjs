exports.apps = [];
for (const [name, port] of Object.entries({ one: 3001, two: 3002 })) {
  exports.apps.push({ name, script: 'server.js', env: { PORT: port } });
}
exports.deploy = { production: { host: 'example.org' } };
