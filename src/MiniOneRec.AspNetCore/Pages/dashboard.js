// Traffic, latency, catalogue and A/B figures, read again every two seconds.
import { api, clear, el, percent, problem, whole } from './shared.js';

const every = 2000, points = 60;

export async function dashboard(main) {
  const tiles = el('div', { class: 'tiles', 'aria-live': 'off' });
  const rate = chart('Requests per second'), latency = chart('Latency of recommendations in ms: half (line), 99 of 100 (dashes)'),
    added = chart('Items added since the model was made');
  const share = el('section', { class: 'panel', 'aria-label': 'Models' });
  main.append(el('h2', {}, 'Dashboard'), tiles, el('div', { class: 'halves' }, rate.element, latency.element), el('div', { class: 'halves' }, added.element, share));
  let before = null, timer = 0, stopped = false;

  const tick = async () => {
    try {
      const [text, catalog] = await Promise.all([api('GET', '/metrics'), api('GET', '/v1/catalog')]);
      if (stopped) return;
      const now = { at: performance.now(), samples: parse(text) };
      const total = sum(now.samples, 'minionerec_http_requests_total', {});
      const seconds = before ? (now.at - before.at) / 1000 : 0;
      const perSecond = before ? Math.max(0, total - sum(before.samples, 'minionerec_http_requests_total', {})) / seconds : 0;
      const [half, most] = quantiles(now.samples, before?.samples, [0.5, 0.99]);
      const failed = sum(now.samples, 'minionerec_http_requests_total', {}, labels => labels.status >= '500');
      rate.add([perSecond]);
      latency.add([half * 1000, most * 1000]);
      added.add([catalog.added]);
      clear(tiles).append(
        tile(whole(total), 'requests since the start'), tile(whole(failed), 'answered with a 5xx status'),
        tile(perSecond.toFixed(1), 'requests per second'), tile(most ? `${(most * 1000).toFixed(0)} ms` : '–', '99 of 100 recommendations take less'),
        tile(whole(catalog.items), `items, revision ${catalog.revision}`), tile(percent(catalog.items ? catalog.added / catalog.items : 0), 'of the items came after training'),
        tile(`${(sum(now.samples, 'minionerec_http_memory_resident_bytes', {}) / 1048576).toFixed(0)} MB`, 'resident memory'));
      before = now;
      await models(share);
    } catch (error) {
      problem(error);
    }
    if (!stopped) timer = setTimeout(tick, every);
  };
  await tick();
  return () => { stopped = true; clearTimeout(timer); };
}

async function models(place) {
  let answer;
  try {
    answer = await api('GET', '/v1/models');
  } catch (error) {
    clear(place).append(el('h3', {}, 'Models and A/B'), el('p', { class: 'note' }, `${error.message}`));
    return;
  }
  const role = name => name === answer.active ? 'serves' : name === answer.candidate ? `answers ${percent(answer.share, 0)} of users`
    : name === answer.shadow ? 'shadow' : name === answer.previous ? 'for a rollback' : 'in memory';
  const rows = answer.models.flatMap(model => (model.figures.length ? model.figures : [null]).map(figures => el('tr', {},
    el('td', {}, model.name), el('td', {}, role(model.name)), el('td', {}, figures?.scenario ?? '–'),
    el('td', { class: 'figure' }, figures ? whole(figures.recommendations) : '0'),
    el('td', { class: 'figure' }, figures ? percent(figures.hitRate, 2) : '–'),
    el('td', {}, figures ? interval(figures) : ''))));
  clear(place).append(el('h3', {}, 'Models and A/B'), el('table', {},
    el('caption', { class: 'note' }, 'Hit rate: recommendations that were followed by an event of one of their items, with its 95 % interval'),
    el('thead', {}, el('tr', {}, ...['Model', 'Part', 'Scenario', 'Answers', 'Hit rate', 'Interval'].map(text => el('th', { scope: 'col' }, text)))),
    el('tbody', {}, ...rows)));
}

function interval(figures) {
  const range = el('i'), point = el('b');
  range.style.left = `${100 * figures.low}%`;
  range.style.width = `${100 * (figures.high - figures.low)}%`;
  point.style.left = `${100 * figures.hitRate}%`;
  return el('span', { class: 'interval', role: 'img', 'aria-label': `${percent(figures.low, 2)} to ${percent(figures.high, 2)}` }, range, point);
}

const tile = (value, text) => el('div', { class: 'tile' }, el('b', {}, value), el('span', {}, text));

// Prometheus' text format: name{label="value",…} number.
export function parse(text) {
  const samples = [];
  for (const line of text.split('\n')) {
    const match = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})?\s+(\S+)/.exec(line);
    if (!match) continue;
    const labels = {};
    for (const [, name, value] of (match[2] ?? '').matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)) labels[name] = value;
    samples.push({ name: match[1], labels, value: match[3] === '+Inf' ? Infinity : Number(match[3]) });
  }
  return samples;
}

function sum(samples, name, labels, test = () => true) {
  return samples.filter(sample => sample.name === name && Object.entries(labels).every(([key, value]) => sample.labels[key] === value) && test(sample.labels))
    .reduce((total, sample) => total + sample.value, 0);
}

// Quantiles of what came between two readings, by straight lines within the buckets.
function quantiles(samples, earlier, shares) {
  const buckets = new Map();
  const fold = (from, sign) => {
    for (const sample of from ?? []) {
      if (sample.name !== 'minionerec_http_duration_seconds_bucket' || sample.labels.route !== 'recommend') continue;
      const bound = sample.labels.le === '+Inf' ? Infinity : Number(sample.labels.le);
      buckets.set(bound, (buckets.get(bound) ?? 0) + sign * sample.value);
    }
  };
  fold(samples, 1);
  fold(earlier, -1);
  const sorted = [...buckets].sort((a, b) => a[0] - b[0]), total = sorted.at(-1)?.[1] ?? 0;
  return shares.map(share => {
    if (total <= 0) return 0;
    let [lower, count] = [0, 0];
    for (const [bound, reached] of sorted) {
      if (reached >= share * total) {
        if (!Number.isFinite(bound)) return lower;
        return lower + (bound - lower) * (share * total - count) / Math.max(1e-9, reached - count);
      }
      [lower, count] = [bound, reached];
    }
    return lower;
  });
}

function chart(title) {
  const svgName = 'http://www.w3.org/2000/svg';
  const svg = document.createElementNS(svgName, 'svg');
  svg.setAttribute('class', 'chart');
  svg.setAttribute('viewBox', '0 0 300 100');
  svg.setAttribute('preserveAspectRatio', 'none');
  svg.setAttribute('role', 'img');
  const values = [], caption = el('figcaption', {}, title), latest = el('p', { class: 'note' }, 'No reading yet.');
  return {
    element: el('figure', {}, caption, svg, latest),
    add(row) {
      values.push(row);
      if (values.length > points) values.shift();
      const top = Math.max(1e-9, ...values.flat()) * 1.1;
      svg.replaceChildren(...row.map((_, series) => {
        const path = document.createElementNS(svgName, 'path');
        path.setAttribute('class', series ? 'second' : 'first');
        path.setAttribute('d', values.map((value, at) =>
          `${at ? 'L' : 'M'}${(300 * at / Math.max(1, points - 1)).toFixed(1)} ${(100 - 100 * value[series] / top).toFixed(1)}`).join(''));
        return path;
      }));
      const text = `Now ${row.map(value => value.toFixed(1)).join(' and ')}; highest ${(top / 1.1).toFixed(1)} in the last ${values.length * every / 1000} s.`;
      svg.setAttribute('aria-label', `${title}. ${text}`);
      latest.textContent = text;
    },
  };
}
