// CPU, memory and response times over the last minutes, as this page has seen them.

/* global uPlot */
import { h, setText } from './dom.js';
import { keyOf, store } from './store.js';
import { bytes, percent, span } from './words.js';

const CHARTS = [
  { title: 'CPU', at: 1, write: percent, color: '--line-cpu' },
  { title: 'Memory', at: 2, write: bytes, color: '--line-memory', steps: Array.from({ length: 48 }, (_, power) => 2 ** power) },
  // Most apps' requests are measured by nobody.
  { title: 'Response time, p99', at: 3, write: span, color: '--line-latency', perhaps: true },
];

const style = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

export class Charts {
  constructor(element) {
    this.element = element;
    this.plots = [];
    this.key = null;
    this.observer = new ResizeObserver(() => this.fit());
    this.observer.observe(element);
    this.scheme = matchMedia('(prefers-color-scheme: dark)');
    this.rebuild = () => { this.key = null; this.show(this.project, this.app); };
    this.scheme.addEventListener('change', this.rebuild);
  }

  build() {
    for (const { plot } of this.plots) plot?.destroy();
    this.plots = CHARTS.map((chart) => {
      const value = h('strong');
      const range = h('span', { class: 'range' });
      const canvas = h('div', { class: 'canvas', 'aria-hidden': 'true' });
      const none = h('p', { class: 'empty' }, 'not measured');
      const figure = h('figure', { class: 'chart' }, h('figcaption', {}, chart.title, ' ', value, range), canvas, none);
      return { ...chart, figure, value, range, canvas, none, plot: null };
    });
    this.element.replaceChildren(...this.plots.map((it) => it.figure));
  }

  show(project, app) {
    const key = keyOf(project, app);
    if (key !== this.key) this.build();
    Object.assign(this, { key, project, app });
    const kept = store.samples.get(key);
    if (!kept) return;
    for (const it of this.plots) {
      const values = kept[it.at];
      const known = values.filter((value) => value !== null);
      it.figure.hidden = it.perhaps && known.length === 0;
      it.none.hidden = 0 < known.length;
      it.canvas.hidden = known.length === 0;
      setText(it.value, known.length ? it.write(values.at(-1)) : '');
      // What the curve shows, for those who do not see it.
      setText(it.range, known.length ? `${it.write(Math.min(...known))} to ${it.write(Math.max(...known))} in ${minutes(kept[0])}` : '');
      if (!known.length) continue;
      it.plot ??= this.plot(it, kept);
      it.plot.setData([kept[0], values]);
    }
  }

  plot(it, kept) {
    const axis = { stroke: style('--dim'), grid: { stroke: style('--grid'), width: 1 }, ticks: { show: false }, font: '11px system-ui, sans-serif' };
    return new uPlot({
      width: this.width(it), height: 104,
      legend: { show: false },
      cursor: { points: { size: 6 }, drag: { x: false, y: false }, y: false },
      scales: { y: { range: (_, low, high) => [0, Math.max(high, 1e-6) * 1.15] } },
      axes: [{ ...axis, size: 22, space: 70, values: (_, times) => times.map((time) => new Date(time * 1000).toTimeString().slice(0, 5)) },
        { ...axis, size: 46, space: 34, ...(it.steps ? { incrs: it.steps } : {}), values: (_, values) => values.map((value) => it.write(value)) }],
      series: [{}, { stroke: style(it.color), fill: `${style(it.color)}22`, width: 1.6, spanGaps: false, points: { show: false } }],
      hooks: { setCursor: [(plot) => {
        const at = plot.cursor.idx;
        const value = at === null || at === undefined ? plot.data[1].at(-1) : plot.data[1][at];
        setText(it.value, it.write(value));
      }] },
    }, [kept[0], kept[it.at]], it.canvas);
  }

  width(it) {
    return Math.max(160, Math.floor(it.canvas.clientWidth || 280));
  }

  fit() {
    for (const it of this.plots) it.plot?.setSize({ width: this.width(it), height: 104 });
  }

  leave() {
    this.observer.disconnect();
    this.scheme.removeEventListener('change', this.rebuild);
    for (const { plot } of this.plots) plot?.destroy();
  }
}

function minutes(times) {
  const seconds = Math.round(times.at(-1) - times[0]);
  return seconds < 60 ? `${seconds}s` : `${Math.round(seconds / 60)}m`;
}
