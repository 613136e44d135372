module.exports = { app: [{ name: 'typo', script: 'a.js' }] };
