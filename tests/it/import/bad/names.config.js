module.exports = {
  apps: [
    { name: 'web', script: 'a.js' },
    { name: 'web', script: 'b.js' },
    { name: 'my app', script: 'c.js' },
    { name: 'my-app', script: 'd.js' },
    { name: '***', script: 'e.js' },
    { name: 'a-name-of-more-than-sixty-three-characters-is-longer-than-any-name-may-be', script: 'f.js' },
  ],
};
