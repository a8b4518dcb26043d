// Compose a history, see what is recommended and why.
import { api, bar, clear, codesOf, el, history, historyList, percent, problem, say, search, sharedCodes, titleOf } from './shared.js';

const operators = { eq: '=', ne: '≠', lt: '<', le: '≤', gt: '>', ge: '≥' };

export async function recommend(main) {
  const results = el('ol', { class: 'items', 'aria-label': 'Recommendations, best first' });
  const tree = el('div');
  const summary = el('p', { class: 'note' });
  const count = el('input', { id: 'count', type: 'number', min: '1', max: '50', value: '10' });
  const seen = el('input', { id: 'seen', type: 'checkbox' });
  const name = el('input', { id: 'where-name', placeholder: 'price', spellcheck: 'false' });
  const operator = el('select', { id: 'where-operator' }, ...Object.entries(operators).map(([value, text]) => el('option', { value }, text)));
  const value = el('input', { id: 'where-value', placeholder: '20' });
  const excluded = el('ul', { class: 'plain', 'aria-label': 'Excluded items' });
  const list = historyList(() => run());

  const where = () => {
    if (!name.value.trim() || !value.value.trim()) return undefined;
    const text = value.value.trim(), number = Number(text);
    const operand = Number.isNaN(number) ? text : number;
    return { [name.value.trim()]: operator.value === 'eq' ? operand : { [operator.value]: operand } };
  };

  const drawExcluded = () => {
    clear(excluded).append(...history.excluded.map((item, at) => el('li', { class: 'line' },
      el('span', { class: 'name' }, titleOf(item)),
      el('button', {
        type: 'button', class: 'small', 'aria-label': `Allow ${titleOf(item)} again`,
        onclick: () => { history.excluded.splice(at, 1); drawExcluded(); run(); },
      }, 'Allow'))));
    if (history.excluded.length === 0) excluded.append(el('li', { class: 'none' }, 'None.'));
  };

  let asked = 0;
  const run = async () => {
    const number = ++asked;
    if (history.items.length === 0) {
      clear(results); clear(tree);
      summary.textContent = 'Add an item to see recommendations.';
      return;
    }
    try {
      const began = performance.now();
      const answer = await api('POST', '/v1/recommend', {
        history: history.items.map(item => item.id), count: Number(count.value) || 10, excludeSeen: seen.checked, where: where(),
        exclude: history.excluded.length ? history.excluded.map(item => item.id) : undefined, explain: true, scenario: 'ui',
      });
      if (number !== asked) return;
      problem(null);
      draw(answer, performance.now() - began);
    } catch (error) {
      if (number !== asked) return;
      clear(results); clear(tree);
      summary.textContent = '';
      problem(error);
    }
  };

  const draw = (answer, milliseconds) => {
    clear(results).append(...answer.items.map(item => row(item)));
    if (answer.items.length === 0) results.append(el('li', { class: 'none' }, 'No item passes the filters.'));
    clear(tree).append(el('h3', {}, 'Probability by level'), probabilityTree(answer.items));
    summary.textContent = `${answer.items.length} items from ${answer.model}, catalogue ${answer.catalogRevision}, ${milliseconds.toFixed(0)} ms`
      + (answer.shortfall ? `; ${answer.shortfall} fewer than asked for` : '') + '.';
    say(summary.textContent);
  };

  const row = item => el('li', {},
    el('div', { class: 'line' },
      el('span', { class: 'name' }, titleOf(item)),
      el('span', { class: 'figure', title: 'score in nats' }, item.score.toFixed(3)),
      el('button', {
        type: 'button', class: 'small', 'aria-label': `Add ${titleOf(item)} to the history`,
        onclick: () => { history.add({ id: item.id, title: item.title, semanticId: item.semanticId }); list.draw(); run(); },
      }, 'Add'),
      el('button', {
        type: 'button', class: 'small', 'aria-label': `Exclude ${titleOf(item)}`,
        onclick: () => { history.excluded.push(item); drawExcluded(); run(); },
      }, 'Exclude')),
    el('span', { class: 'code' }, item.semanticId ?? ''),
    item.why ? el('details', { class: 'why' }, el('summary', {}, `Why: reached by ${item.why.reachedBy}`), ...reasons(item)) : null);

  const reasons = item => {
    const near = history.items.map(past => ({ past, shared: sharedCodes(past.semanticId, item.semanticId) }))
      .sort((a, b) => b.shared - a.shared).filter(entry => entry.shared > 0).slice(0, 3);
    return [
      el('table', {},
        el('caption', { class: 'hidden' }, 'Probability of each code, given the codes before it'),
        el('thead', {}, el('tr', {}, el('th', { scope: 'col' }, 'Code'), el('th', { scope: 'col' }, ''), el('th', { scope: 'col', class: 'figure' }, 'Probability'))),
        el('tbody', {}, ...item.why.codes.map(code => el('tr', {},
          el('td', {}, el('code', {}, code.code)),
          el('td', {}, bar(Math.exp(code.logProbability))),
          el('td', { class: 'figure' }, percent(Math.exp(code.logProbability), 2)))))),
      el('p', { class: 'note' }, 'Mixed: ' + item.why.sources.map(source =>
        `${source.source} ${percent(source.weight, 0)} gives ${percent(source.probability, 2)}`).join('; ')),
      el('p', { class: 'note' }, near.length === 0 ? 'No item of the history shares its first code.'
        : 'Nearest in the history: ' + near.map(entry => `${titleOf(entry.past)} (${entry.shared} of ${codesOf(item.semanticId).length} codes shared)`).join('; ')),
    ];
  };

  const form = el('form', { onsubmit: event => { event.preventDefault(); run(); } },
    el('div', { class: 'row' }, el('div', {}, el('label', { for: 'count' }, 'How many'), count)),
    el('label', { class: 'inline' }, seen, 'Leave out items of the history'),
    el('fieldset', {}, el('legend', {}, 'Only items whose attribute'),
      el('div', { class: 'row' },
        el('div', {}, el('label', { for: 'where-name' }, 'Attribute'), name),
        el('div', {}, el('label', { for: 'where-operator' }, 'Test'), operator),
        el('div', {}, el('label', { for: 'where-value' }, 'Value'), value))),
    el('p', {}, el('button', { type: 'submit', class: 'main' }, 'Recommend')));
  for (const input of [count, seen, name, operator, value]) input.addEventListener('change', () => run());

  main.append(el('h2', {}, 'Recommend for a history'), el('div', { class: 'columns' },
    el('div', {},
      el('section', { class: 'panel', 'aria-label': 'History' },
        search('Search items', item => { history.add(item); list.draw(); run(); }), el('h3', {}, 'History, oldest first'), list.element),
      el('section', { class: 'panel', 'aria-label': 'Filters' }, form, el('h3', {}, 'Excluded'), excluded)),
    el('section', { class: 'panel', 'aria-label': 'Results' }, summary, results, tree)));
  drawExcluded();
  await run();
}

// The codes of the answer as a tree; a branch shows the probability of its code, and the sum of what lies below it.
function probabilityTree(items) {
  const root = { children: new Map() };
  for (const item of items) {
    let node = root, total = 0;
    for (const code of item.why?.codes ?? []) {
      total += code.logProbability;
      if (!node.children.has(code.code)) node.children.set(code.code, { children: new Map(), path: Math.exp(total), own: Math.exp(code.logProbability), items: [] });
      node = node.children.get(code.code);
    }
    node.items?.push(item);
  }
  const branch = (node, open) => el('ul', { class: 'tree' }, ...[...node.children].sort((a, b) => b[1].path - a[1].path).map(([code, child]) =>
    child.children.size === 0
      ? el('li', { class: 'leaf' }, label(code, child), ' ', child.items.map(titleOf).join(', '))
      : el('li', {}, el('details', { open }, el('summary', {}, label(code, child)), branch(child, false)))));
  const label = (code, node) => el('span', {}, el('code', {}, code), ' ', bar(node.own), ` ${percent(node.own, 2)} (path ${percent(node.path, 3)})`);
  return root.children.size === 0 ? el('p', { class: 'none' }, 'Nothing to show.') : branch(root, true);
}
