// What a person does at the page, in real Chromium. One scenario a run: it ends with 0, or with what
// was seen instead.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { chromium } from 'playwright-core';

const PATIENCE = 60_000;
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

const eco = (...args) => execFileSync(process.env.ECO, args, { encoding: 'utf8' });
const status = () => JSON.parse(execFileSync('sh', ['-c', '"$ECO" status --json || true'], { encoding: 'utf8' }));
const app = (name) => status().apps.find((it) => it.name === name);
const link = (...args) => JSON.parse(eco('dashboard', '--json', ...args)).link;

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM,
  args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--no-first-run'],
});

// What a page complains of, such as script that its policy forbids, fails the scenario.
const complaints = [];

async function visit(options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
  context.setDefaultTimeout(PATIENCE);
  const page = await context.newPage();
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('dialog', (dialog) => complaints.push(`a dialog: ${dialog.message()}`));
  page.on('console', (message) => {
    // Answers 401 and 403, and an eco that is killed, are told here too.
    if (message.type() === 'error' && !/status of 40[13]|net::ERR_(CONNECTION|INCOMPLETE)/.test(message.text())) complaints.push(message.text());
  });
  return page;
}

async function enter(options, ...args) {
  const page = await visit(options);
  await page.goto(link(...args));
  await page.waitForSelector('#apps-body tr');
  return page;
}

const row = (page, name) => page.locator('#apps-body tr', { has: page.locator(`a.name:text-is("${name}")`) });
const cell = (page, name, column) => row(page, name).locator(`[data-column=${column}]`);
const open = (page, name) => row(page, name).locator('a.name').click();

async function until(what, look) {
  const end = Date.now() + PATIENCE;
  for (;;) {
    const seen = await look();
    if (seen) return seen;
    if (end < Date.now()) throw new Error(`not seen: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

// No fault that keeps people from using it.
async function isForEverybody(page, what) {
  // The page's policy lets no script in but its own; a debugger is not asked.
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations'] }));
  const bad = violations.filter((it) => ['serious', 'critical'].includes(it.impact));
  const told = bad.map((it) => `${it.id}: ${it.nodes.slice(0, 3).map((node) => `${node.target} ${node.failureSummary}`).join(' | ')}`);
  assert.deepEqual(told, [], what);
}

const overflow = (page) => page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);

const scenarios = {
  async everybody() {
    const stranger = await visit();
    const once = link();
    await stranger.goto(new URL('/', once).href);
    await stranger.waitForSelector('#login:not([hidden])');
    await isForEverybody(stranger, 'log in');
    await stranger.fill('#login-link', 'http://127.0.0.1/login#wrong');
    await stranger.click('#login-go');
    await stranger.waitForFunction(() => document.getElementById('login-why').textContent.includes('used before'));
    // By pasting, and then by the same link again.
    await stranger.fill('#login-link', once);
    await stranger.keyboard.press('Enter');
    await stranger.waitForSelector('#apps-body tr');
    assert.ok(!stranger.url().includes('#'), stranger.url());
    const second = await visit();
    await second.goto(once);
    await second.waitForFunction(() => document.getElementById('login-why').textContent.includes('used before'));
    // Problems first.
    const page = stranger;
    await until('the broken one on top', async () => (await page.locator('#apps-body a.name').first().textContent()) === 'broken');
    assert.match(await page.textContent('#summary'), /1 needs attention/);
    for (const colorScheme of ['light', 'dark']) {
      await page.emulateMedia({ colorScheme });
      await isForEverybody(page, `overview, ${colorScheme}`);
      for (const tab of ['', 'logs', 'events', 'history', 'settings']) {
        await page.goto(new URL(`/#/shop/web/${tab}`, once).href);
        await page.waitForSelector(`[role=tab][aria-selected=true][data-tab="${tab}"]`);
        await page.waitForFunction(() => document.getElementById('panel').childElementCount);
        await isForEverybody(page, `${tab || 'instances'}, ${colorScheme}`);
      }
    }
    // With the keyboard alone.
    await page.goto(new URL('/#/', once).href);
    await page.waitForSelector('#detail', { state: 'hidden' });
    await page.keyboard.press('/');
    await page.keyboard.type('web');
    await page.waitForFunction(() => document.querySelectorAll('#apps-body tr').length === 1);
    await page.keyboard.press('Tab');
    const focused = () => page.evaluate(() => document.activeElement.textContent);
    await until('the app in focus', async () => (await focused()) === 'web' || (await page.keyboard.press('Tab'), false));
    await page.keyboard.press('Enter');
    await page.waitForSelector('#detail:not([hidden])');
    await until('the tabs in focus', async () => (await focused()) === 'Instances' || (await page.keyboard.press('Tab'), false));
    await page.keyboard.press('ArrowRight');
    await page.waitForSelector('[role=tab][aria-selected=true][data-tab=logs]');
    await page.click('[data-verb=stop]');
    await page.waitForSelector('dialog[open]');
    await isForEverybody(page, 'dialog');
    await page.keyboard.press('Escape');
    await page.waitForSelector('dialog', { state: 'hidden' });
    assert.deepEqual(app('web').overrides, []);
    // On a phone.
    const phone = await enter({ viewport: { width: 375, height: 700 }, hasTouch: true, isMobile: true });
    assert.equal(await overflow(phone), 0);
    await open(phone, 'web');
    for (const tab of ['', 'logs', 'events', 'history', 'settings']) {
      await phone.click(`[role=tab][data-tab="${tab}"]`);
      await phone.waitForFunction(() => document.getElementById('panel').childElementCount);
      assert.equal(await overflow(phone), 0, tab);
    }
    await isForEverybody(phone, 'on a phone');
    await phone.click('.close');
    await phone.waitForSelector('#apps-body tr');
  },

  async live() {
    const page = await enter();
    await open(page, 'web');
    await page.waitForSelector('.instances tbody tr');
    const restarts = () => cell(page, 'web', 'restarts').textContent();
    assert.equal(await restarts(), '0');
    const pid = app('web').instances[0].pid;
    const since = Date.now();
    process.kill(pid, 'SIGKILL');
    await until('the restart', async () => (await restarts()) === '1');
    console.log(`shown after ${Date.now() - since} ms`);
    await until('its event', async () => (await page.textContent('#events')).includes('SIGKILL'));
    await until('both ready again', async () => (await cell(page, 'web', 'ready').textContent()) === '2/2');
    // By click, and only after the question.
    const pids = () => app('web').instances.map((it) => it.pid).join();
    const before = pids();
    await page.click('[data-verb=restart]');
    await page.click('dialog button:text-is("Cancel")');
    await page.waitForSelector('dialog', { state: 'hidden' });
    assert.equal(pids(), before);
    await page.click('[data-verb=restart]');
    await page.click('dialog button:text-is("Restart")');
    await page.waitForFunction(() => document.getElementById('status').textContent === 'web was restarted.');
    assert.notEqual(pids(), before);
    await page.click('[data-verb=scale]');
    await page.fill('#dialog-field', '3');
    await page.keyboard.press('Enter');
    await until('three of them', async () => (await cell(page, 'web', 'ready').textContent()) === '3/3');
    await page.click('[data-verb=stop]');
    await page.click('dialog button:text-is("Stop")');
    await until('it stopped', async () => (await row(page, 'web').textContent()).includes('stopped'));
    await page.click('[data-verb=start]');
    await page.click('dialog button:text-is("Start")');
    await until('it ready again', async () => (await cell(page, 'web', 'ready').textContent()) === '3/3');
    // Back to the first revision.
    await page.click('[role=tab][data-tab=history]');
    await page.click('button[aria-label="Roll back to generation 1"]');
    await page.click('dialog button:text-is("Roll back")');
    await until('the way back', async () => /is as in generation 1|did not end well: broken/.test(await page.textContent('#status')));
    // Who was logged in is not, once eco's controller is another one.
    process.kill(JSON.parse(eco('daemon', 'status', '--json')).controller_pid, 'SIGKILL');
    await page.waitForSelector('#login:not([hidden])');
    await page.waitForFunction(() => document.getElementById('login-why').textContent.includes('eco was restarted'));
  },

  async logs() {
    const page = await enter();
    await open(page, 'web');
    await page.click('[role=tab][data-tab=logs]');
    // What an app prints is text and nothing else.
    await page.waitForFunction(() => document.querySelector('.log').textContent.includes('<img src=x onerror=alert(1)>'));
    assert.equal(await page.locator('.log img').count(), 0);
    const lines = () => page.locator('.log > div').count();
    const seen = await lines();
    await until('further lines', async () => seen + 2 < (await lines()));
    await page.keyboard.press('/');
    await page.keyboard.type('NEEDLES');
    await until('only what was searched for', async () => {
      const texts = await page.locator('.log .text').allTextContents();
      return texts.length === 2 && texts.every((text) => text.includes('needles'));
    });
    assert.equal(await page.locator('.log mark').first().textContent(), 'needles');
    assert.equal(await page.locator('.log .err').count(), 2);
    await page.selectOption('#log-instance', '1');
    await until('one instance', async () => (await lines()) === 1);
    await page.keyboard.press('Tab');
    await page.click('button:text-is("Pause")');
    await page.fill('#log-search', '');
    await page.click('button:text-is("Go on")');
    await until('all of one instance', async () => 2 < (await lines()));
  },

  async 'read-only'() {
    const page = await enter({}, '--read-only');
    await open(page, 'web');
    await page.waitForSelector('.instances tbody tr');
    assert.ok(await page.isVisible('#read-only'));
    assert.equal(await page.locator('.actions button, .instances button').count(), 0);
    const refused = await page.evaluate(async () => {
      const body = JSON.stringify({ project: 'shop', app: 'web', operation: 'stop' });
      const headers = { 'content-type': 'application/json', 'x-eco-key': localStorage.getItem('eco.key') };
      return (await fetch('/api/v1/operate', { method: 'POST', headers, body })).status;
    });
    assert.equal(refused, 403);
    assert.deepEqual(app('web').overrides, []);
  },

  async many() {
    const page = await enter();
    await open(page, 'many');
    await page.waitForFunction(() => document.querySelectorAll('.instances tbody tr').length === 500);
    // How long the page is kept from answering by one look at all of them.
    await page.evaluate(() => {
      globalThis.long = [];
      new PerformanceObserver((list) => list.getEntries().forEach((it) => globalThis.long.push(Math.round(it.duration)))).observe({ type: 'longtask' });
      globalThis.kept = document.querySelector('.instances tbody tr:nth-child(300)');
    });
    const { pid } = app('many').instances[17];
    const since = Date.now();
    process.kill(pid, 'SIGKILL');
    await until('the restart', async () => (await cell(page, 'many', 'restarts').textContent()) === '1');
    console.log(`shown after ${Date.now() - since} ms; long tasks: ${await page.evaluate(() => globalThis.long.join(' '))}`);
    // Rows are changed and not made anew.
    assert.ok(await page.evaluate(() => globalThis.kept.isConnected));
    await page.fill('#filter', 'one');
    await page.waitForFunction(() => document.querySelectorAll('#apps-body tr').length === 1);
  },
};

try {
  await scenarios[process.argv[2]]();
  assert.deepEqual(complaints, []);
} catch (error) {
  console.error(error);
  process.exitCode = 1;
} finally {
  await browser.close();
}
