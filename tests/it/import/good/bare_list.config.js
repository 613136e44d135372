'use strict';

module.exports = [
  { name: 'first', script: 'first.js' },
  { name: 'second', script: 'second.js', env: { AFTER: 'first' } },
];
